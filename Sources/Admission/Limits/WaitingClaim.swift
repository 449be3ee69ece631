internal import Reactor

/// Who claims what.
struct Claimant: Sendable {
  let group: LimitGroup
  let subject: LimitSubject
  let worker: Int
  /// When it came, from which waits are measured.
  let began: Instant
}

/// A claim that waits.
struct WaitingClaim: Linked {
  let claimant: Claimant
  /// Where it stands.
  var key = Place.nowhere
  /// Counts the claims that began to stand somewhere, so that a queue can be built again.
  var number: UInt64 = 0
  /// When it is refused.
  var deadline: Instant
  var previous = Place.nowhere
  var next = Place.nowhere
}
