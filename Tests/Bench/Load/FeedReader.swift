import Reactor
import Wire

/// A reader of the feed that holds its connection and checks every event, or one that never reads.
///
/// - Owner: its audience, until it has left.
/// - Thread: the audience's.
final class FeedReader: ClientConnectionOwner {
  private enum Phase { case connecting, asked, following, left }

  /// Whether it stops reading as soon as the answer has begun.
  let isSlow: Bool
  /// The place of the last event that has come.
  private(set) var place: UInt64
  private unowned let audience: Audience
  private let number: Int
  private var phase = Phase.connecting
  private var connection: ClientConnection?

  /// A reader that has not come yet.
  ///
  /// - Parameters:
  ///   - number: unlike that of any other.
  ///   - audience: to which it belongs.
  ///   - place: the place of the last event before it came.
  ///   - isSlow: whether it stops reading as soon as the answer has begun.
  init(_ number: Int, of audience: Audience, after place: UInt64, isSlow: Bool) {
    self.number = number
    self.audience = audience
    self.place = place
    self.isSlow = isSlow
  }

  /// Whether it waits for events.
  var isFollowing: Bool { phase == .following }

  /// Whether the server has cut it off.
  var wasCut: Bool { connection?.hasPeerLeft ?? false }

  /// Connects and asks.
  func come() {
    do throws(SystemError) {
      connection = try ClientConnection(to: audience.plan.address, from: number, on: audience.loop, for: self)
    } catch {
      failed(.unreachable(error))
    }
  }

  func connected() {
    phase = .asked
    connection?.ask(audience.plan.request)
  }

  func take(_ event: StreamEvent, at now: Instant) throws(RunDefect) {
    guard let (place, sent) = audience.plan.event.read(event.data.span) else {
      throw .unexpectedEvent(place: Int(self.place) + 1)
    }
    guard place == self.place + 1 else { throw .unexpectedPlace }
    self.place = place
    audience.delivered(sent, at: now)
  }

  /// Once the answer has begun, every event must come.
  func progressed() {
    guard phase == .asked, connection?.answer.hasBegun == true else { return }
    phase = .following
    if isSlow { connection?.ignoreReads() }
    audience.joined()
  }

  /// Closes.
  func leave() {
    phase = .left
    connection?.close()
    connection = nil
  }

  func failed(_ defect: RunDefect) {
    guard phase != .left else { return }
    let hadJoined = phase == .following
    leave()
    audience.failed(defect, hadJoined: hadJoined)
  }
}
