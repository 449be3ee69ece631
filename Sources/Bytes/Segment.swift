/// An append-only block of bytes with a fixed place in memory: written once, read from many cursors.
///
/// Bytes that were appended never move and never change, so a reader may be given them while more are
/// appended behind.
/// - Owner: the log that made it; references keep it alive while a reader is behind.
/// - Thread: the owner's loop.
/// - Bound: `capacityBytes`, for good.
@safe
public final class Segment {
  /// How many bytes fit.
  public let capacityBytes: Int
  /// How many bytes were appended.
  public private(set) var count = 0
  private let base: UnsafeMutableRawPointer

  /// An empty segment.
  public init(capacityBytes: Int) {
    self.capacityBytes = capacityBytes
    unsafe base = .allocate(byteCount: capacityBytes, alignment: 16)
  }

  deinit {
    unsafe base.deallocate()
  }

  /// Appends as many of the bytes as still fit and says how many that were.
  public func append(_ bytes: Span<UInt8>) -> Int {
    let fitting = min(bytes.count, capacityBytes - count)
    guard fitting > 0 else { return 0 }
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe (base + count).copyMemory(from: start, byteCount: fitting)
    }
    count += fitting
    return fitting
  }

  /// Lends the appended bytes.
  public func lend(_ body: (Span<UInt8>) -> Void) {
    let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
    unsafe body(bytes.bindMemory(to: UInt8.self).span)
  }

  /// The appended bytes from `start` on, as an address that holds while this segment lives.
  @unsafe
  public func bytes(from start: Int) -> UnsafeRawBufferPointer {
    precondition(start >= 0 && start <= count, "a cursor stands within its segment")
    return unsafe UnsafeRawBufferPointer(start: base + start, count: count - start)
  }
}
