/// A slot that was given out.
struct HeldSlot: Sendable {
  let claimant: Claimant
  /// Counts the slots, so that age has an order.
  let number: UInt64
  var holdings = Place.nowhere
  var isLeaving = false
  /// The limit that told it to end.
  var evictor: String?
}

/// What ties a slot to a key: a link in the chains of both.
struct Holding: Linked {
  let key: Place
  let slot: Place
  /// The next one of the same slot.
  let nextOfSlot: Place
  var previous = Place.nowhere
  var next = Place.nowhere
}
