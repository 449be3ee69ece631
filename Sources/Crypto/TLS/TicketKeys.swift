internal import Reactor

/// The keys of session tickets, for all workers: a new one at intervals, and the one before it still accepted.
///
/// A ticket lives as long as the interval, so its key is there for all of its life, and forgotten at most two intervals
/// after it was made.
/// - Thread: any, several at a time.
public final class TicketKeys: Sendable {
  private struct Keys: Sendable {
    var interval: Duration
    var current: TicketKey?
    var previous: TicketKey?

    /// Puts a new key in force where it is time for one.
    mutating func rotate(at now: Instant) {
      guard let current else { return self.current = TicketKey(at: now) }
      let age = now - current.began
      guard age >= interval, let new = TicketKey(at: now) else { return }
      // Nobody holds a ticket of a key that has not been used for so long.
      previous = age < interval * 2 ? current : nil
      self.current = new
    }
  }

  private let keys: Locked<Keys>

  /// Keys that nobody knows.
  ///
  /// - Parameter interval: how long a key seals tickets.
  public init(rotatedEvery interval: Duration) {
    keys = Locked(Keys(interval: interval))
  }

  /// Changes how long a key seals tickets; those that are there go on.
  public func rotate(every interval: Duration) {
    keys.withLock { $0.interval = interval }
  }

  /// The key for a new ticket; `nil` where none can be made.
  func current(at now: Instant) -> TicketKey? {
    keys.withLock { keys in
      keys.rotate(at: now)
      return keys.current
    }
  }

  /// The key that a ticket names, and whether its client should get a new ticket; `nil` where it is forgotten.
  @unsafe
  func key(named name: UnsafePointer<UInt8>, at now: Instant) -> (key: TicketKey, isOld: Bool)? {
    let (current, previous) = keys.withLock { keys in
      keys.rotate(at: now)
      return (keys.current, keys.previous)
    }
    if let current, unsafe current.isNamed(name) { return (current, false) }
    if let previous, unsafe previous.isNamed(name) { return (previous, true) }
    return nil
  }
}
