internal import Admission
internal import HTTP2
internal import Reactor
internal import Settings

/// What a client may have done for nothing on one HTTP/2 connection, by the rates of `clients.http2`.
///
/// Each is a bucket that holds a whole unit of its rate: a number, the nanosecond at which it will be full again.
/// It is a value: time is an argument.
struct FrameBudget {
  private var fullAt = InlineArray<4, UInt64>(repeating: 0)
  /// Windows that may be opened without being counted, because DATA was sent for them.
  private var paidUpdates = 0

  /// The most windows that are paid for in advance.
  private static let mostPaidUpdates = 1000
  /// A DATA frame that its window made shorter than this pays for nothing: a client that reads in such pieces makes us
  /// send a frame for a few bytes each.
  static let shortPayload = 256

  /// Takes one from the bucket of a bound; false where it is empty.
  mutating func take(_ bound: HTTP2Bound, of settings: HTTP2Settings, at now: Instant) -> Bool {
    let (place, rate) =
      switch bound {
      case .pings: (0, settings.pings)
      case .settings: (1, settings.settings)
      case .emptyFrames: (2, settings.emptyFrames)
      case .resets, .streams, .bodies, .continuations: (3, settings.resets)
      }
    let interval = UInt64(rate.unit.seconds) * 1_000_000_000 / UInt64(rate.count)
    let full = max(fullAt[place], now.nanoseconds) + interval
    guard full - now.nanoseconds <= interval * UInt64(rate.count) else { return false }
    fullAt[place] = full
    return true
  }

  /// A request has begun: its stream's window may be opened, and the connection's.
  mutating func noteRequest() { pay(2) }

  /// A DATA frame was sent.
  ///
  /// - Parameters:
  ///   - payload: its bytes.
  ///   - isCut: whether more waits, for which the window had no room.
  mutating func noteData(_ payload: Int, isCut: Bool) {
    if !isCut || payload >= Self.shortPayload { pay(2) }
  }

  private mutating func pay(_ updates: Int) {
    paidUpdates = min(paidUpdates + updates, Self.mostPaidUpdates)
  }

  /// A frame begins.
  ///
  /// - Parameters:
  ///   - frame: its head.
  ///   - isForgotten: whether it is about a stream that has ended.
  ///   - settings: the rates.
  ///   - now: the time.
  /// - Returns: the bound that has no room for it.
  mutating func admit(
    _ frame: HTTP2Frame, isForgotten: Bool, of settings: HTTP2Settings, at now: Instant
  ) -> HTTP2Bound? {
    switch frame.kind {
    case .ping: return frame.isAcknowledgement || take(.pings, of: settings, at: now) ? nil : .pings
    case .settings: return frame.isAcknowledgement || take(.settings, of: settings, at: now) ? nil : .settings
    case .resetStream: return take(.resets, of: settings, at: now) ? nil : .resets
    case .windowUpdate where paidUpdates > 0:
      paidUpdates -= 1
      return nil
    case .data where frame.endsStream || frame.length > 0: if !isForgotten { return nil }
    case .headers where !isForgotten: return nil
    case .continuation, .goAway, .pushPromise: return nil
    case .data, .headers, .windowUpdate, .priority, .unknown: break
    }
    return take(.emptyFrames, of: settings, at: now) ? nil : .emptyFrames
  }
}
