internal import CLibevent

/// What a watch tells of a descriptor.
protocol WatchOwner: AnyObject {
  /// The descriptor can be read, was closed by the peer, or failed.
  func watchedReadable()
  /// The descriptor can be written.
  func watchedWritable()
}

/// The registrations of one descriptor with libevent.
///
/// libevent keeps this object's address, unretained: whoever owns the watch ends it (`end`) before letting go,
/// and keeps it to the end of the turn (`Loop.bury`).
/// - Bound: one `event` (128 bytes); a second one only while a write waits.
@safe
final class Watch {
  private let loop: Loop
  private let descriptor: Int32
  private var reading: OpaquePointer?
  private var writing: OpaquePointer?
  private(set) var isAwaitingWrite = false
  /// Whether reads are reported.
  private(set) var isReading = false
  private var owner: (any WatchOwner)?

  /// A watch that waits for nothing yet.
  ///
  /// The owner is kept alive until `end`.
  init(_ descriptor: Int32, on loop: Loop, for owner: any WatchOwner) {
    self.loop = loop
    self.descriptor = descriptor
    self.owner = owner
  }

  deinit {
    precondition(unsafe reading == nil && writing == nil, "a watch ends before it is let go")
  }

  /// Reports readable, level-triggered, until told otherwise.
  func watchReads() {
    register(Int16(EV_READ | EV_PERSIST))
  }

  /// Reports only that the peer has closed its side, whatever waits unread (EPOLLRDHUP).
  func watchClose() {
    register(Int16(EV_CLOSED | EV_PERSIST))
  }

  /// Reports neither reads nor closing.
  func ignoreReads() {
    unsafe event_free(reading)
    unsafe reading = nil
    isReading = false
  }

  /// Reports writable once.
  func awaitWrite() {
    guard !isAwaitingWrite else { return }
    if unsafe writing == nil {
      unsafe writing = event_new(
        loop.base, descriptor, Int16(EV_WRITE),
        { _, _, pointer in unsafe Watch.recover(pointer) { $0.wrote() } },
        Unmanaged.passUnretained(self).toOpaque())
    }
    unsafe event_add(writing, nil)
    isAwaitingWrite = true
  }

  /// Ends all reports and lets the owner go.
  func end() {
    if unsafe reading != nil { unsafe event_free(reading) }
    if unsafe writing != nil { unsafe event_free(writing) }
    unsafe reading = nil
    unsafe writing = nil
    isAwaitingWrite = false
    owner = nil
  }

  private func register(_ what: Int16) {
    isReading = what & Int16(EV_READ) != 0
    if unsafe reading != nil { unsafe event_free(reading) }
    unsafe reading = event_new(
      loop.base, descriptor, what,
      { _, _, pointer in unsafe Watch.recover(pointer) { $0.owner?.watchedReadable() } },
      Unmanaged.passUnretained(self).toOpaque())
    unsafe event_add(reading, nil)
  }

  private func wrote() {
    isAwaitingWrite = false
    unsafe event_free(writing)
    unsafe writing = nil
    owner?.watchedWritable()
  }

  /// The one place where a libevent argument becomes an object again.
  private static func recover(_ pointer: UnsafeMutableRawPointer?, _ body: (Watch) -> Void) {
    guard let pointer = unsafe pointer else { return }
    unsafe Unmanaged<Watch>.fromOpaque(pointer)._withUnsafeGuaranteedRef { body($0) }
  }
}
