public import Bytes
internal import Glibc

/// What one writev(2) sends: borrowed bytes of segments, and small pieces of framing copied beside them.
///
/// It is filled, written and emptied within one call, while the log keeps its segments; nothing in it
/// outlives that.
/// - Bound: 64 pieces and 4 KiB of copied framing; what does not fit waits for the next write.
@safe
public struct OutputVector: ~Copyable {
  /// How many pieces fit.
  public static let pieces = 64
  /// How many bytes can be copied in.
  public static let copiedBytes = 4096

  private let vectors: UnsafeMutablePointer<iovec>
  private let framing: UnsafeMutableRawPointer
  private var framed = 0
  /// How many pieces it holds.
  public private(set) var count = 0
  /// How many bytes it holds.
  public private(set) var byteCount = 0

  init() {
    unsafe vectors = .allocate(capacity: Self.pieces)
    unsafe framing = .allocate(byteCount: Self.copiedBytes, alignment: 16)
  }

  deinit {
    unsafe vectors.deallocate()
    unsafe framing.deallocate()
  }

  /// Whether another piece fits.
  public var hasRoom: Bool { count < Self.pieces }

  /// Forgets everything.
  public mutating func removeAll() {
    count = 0
    byteCount = 0
    framed = 0
  }

  /// Adds a copy of a few bytes.
  ///
  /// False where they don't fit: write first.
  public mutating func copy(_ bytes: Span<UInt8>) -> Bool {
    guard hasRoom, framed + bytes.count <= Self.copiedBytes else { return false }
    guard !bytes.isEmpty else { return true }
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe (framing + framed).copyMemory(from: start, byteCount: source.count)
    }
    unsafe add(framing + framed, bytes.count)
    framed += bytes.count
    return true
  }

  /// Adds bytes of a segment where they lie, at most `limit`; the segment's owner keeps it until the write.
  public mutating func lend(_ segment: Segment, from start: Int, atMost limit: Int) -> Int {
    let bytes = unsafe segment.bytes(from: start)
    let length = min(limit, bytes.count)
    guard hasRoom, length > 0, let address = bytes.baseAddress else { return 0 }
    unsafe add(UnsafeMutableRawPointer(mutating: address), length)
    return length
  }

  /// Hands the pieces to a system call.
  func withVectors<R>(_ body: (UnsafeMutablePointer<iovec>, Int) -> R) -> R {
    unsafe body(vectors, count)
  }

  private mutating func add(_ address: UnsafeMutableRawPointer, _ length: Int) {
    unsafe vectors[count] = iovec(iov_base: address, iov_len: length)
    count += 1
    byteCount += length
  }
}
