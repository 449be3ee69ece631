internal import Glibc
public import Reactor

/// Where log lines go: a bounded buffer, written to a descriptor by a thread of its own.
///
/// A loop must never wait for whoever reads the log: while the pipe is full or the disk is, lines are dropped
/// and counted, and the count is told once there is room.
/// - Thread: `post` and `flush` from any.
/// - Bound: `bufferBytes`.
public final class LogSink: Sendable {
  private static let gatheringMilliseconds: Int32 = 20

  /// How many bytes wait at most.
  public static let bufferBytes = 1024 * 1024

  private struct Buffer: Sendable {
    var bytes: [UInt8] = []
    var dropped = 0
    var isWriting = false
    var isUrgent = false
    var isClosed = false

    /// Whether there is something to write; false at the end, `nil` while neither.
    var isReady: Bool? {
      bytes.isEmpty ? (isClosed ? false : nil) : true
    }

    /// What is to be written.
    mutating func take() -> [UInt8] {
      var taken: [UInt8] = []
      swap(&taken, &bytes)
      if dropped > 0 {
        taken.append(contentsOf: "\(WallClock.timestamp()) warning log_lines_dropped count=\(dropped)\n".utf8)
        dropped = 0
      }
      isWriting = true
      return taken
    }
  }

  private let buffer = Locked(Buffer())
  private let descriptor: Int32

  /// A sink on a descriptor that stays open, such as standard error.
  ///
  /// - Throws: `SystemError` where no thread is to be had.
  public init(_ descriptor: Int32) throws(SystemError) {
    self.descriptor = descriptor
    let buffer = buffer
    let thread = try Thread("log") {
      while buffer.wait({ $0.isReady }) {
        // Lines that come close together are written together: one wake-up and one write for many.
        if !buffer.withLock({ $0.isUrgent }) { poll(nil, 0, Self.gatheringMilliseconds) }
        Self.write(buffer.withLock { $0.take() }, to: descriptor)
        buffer.change { $0.isWriting = false }
      }
    }
    thread.detach()
  }

  deinit {
    buffer.change { $0.isClosed = true }
  }

  /// Leaves one line, its line feed included.
  func post(_ line: [UInt8]) {
    let wasEmpty = buffer.withLock { buffer in
      guard buffer.bytes.count + line.count <= Self.bufferBytes else {
        buffer.dropped += 1
        return false
      }
      let wasEmpty = buffer.bytes.isEmpty
      buffer.bytes.append(contentsOf: line)
      return wasEmpty
    }
    if wasEmpty { buffer.change { _ in } }
  }

  /// Waits until everything was written, or, where nobody reads, for about a second.
  public func flush() {
    buffer.change { $0.isUrgent = true }
    defer { buffer.change { $0.isUrgent = false } }
    for _ in 0..<100 {
      if buffer.withLock({ $0.bytes.isEmpty && !$0.isWriting }) { return }
      poll(nil, 0, 10)
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest.removeFirst(count)
      } else if errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe _ = poll(&wait, 1, 1000)
      } else if errno != EINTR {
        // Closed, or the disk is full: there is nobody to tell.
        return
      }
    }
  }
}
