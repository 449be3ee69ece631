public import Bytes
internal import Glibc

/// What one write sends: borrowed bytes of segments, and small pieces copied beside them.
///
/// It is filled and written while the log keeps its segments; nothing in it outlives the turn. Pieces that are copied one
/// behind the other are one piece to the kernel, and one piece alone goes out by send(2), which costs less than a vector.
/// - Owner: the loop, or whoever fills one for many sockets.
/// - Thread: the loop's.
/// - Bound: 64 pieces and 8 KiB of copied bytes; what does not fit waits for the next write.
@safe
public final class OutputVector {
  /// How many pieces fit.
  public static let pieces = 64
  /// How many bytes can be copied in.
  public static let copiedBytes = 8192

  private let vectors: UnsafeMutablePointer<iovec>
  private let framing: UnsafeMutableRawPointer
  private var framed = 0
  /// How many pieces it holds.
  public private(set) var count = 0
  /// How many bytes it holds.
  public private(set) var byteCount = 0

  /// An empty one.
  public init() {
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
  public func removeAll() {
    count = 0
    byteCount = 0
    framed = 0
  }

  /// Adds a copy of a few bytes.
  ///
  /// False where they don't fit: write first.
  public func copy(_ bytes: Span<UInt8>) -> Bool {
    guard hasRoom, framed + bytes.count <= Self.copiedBytes else { return false }
    guard !bytes.isEmpty else { return true }
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe (framing + framed).copyMemory(from: start, byteCount: source.count)
    }
    addCopied(bytes.count)
    return true
  }

  /// Adds bytes of a segment where they lie, at most `limit`; the segment's owner keeps it until the write.
  public func lend(_ segment: Segment, from start: Int, atMost limit: Int) -> Int {
    let bytes = unsafe segment.bytes(from: start)
    let length = min(limit, bytes.count)
    guard hasRoom, length > 0, let address = bytes.baseAddress else { return 0 }
    unsafe add(UnsafeMutableRawPointer(mutating: address), length)
    return length
  }

  /// Adds bytes of a segment: a copy where they are few, else where they lie.
  ///
  /// - Returns: how many of them are in it now.
  public func add(_ segment: Segment, from start: Int, atMost limit: Int) -> Int {
    let bytes = unsafe segment.bytes(from: start)
    let length = min(limit, bytes.count)
    guard length > 0, length <= Self.worthLending, framed + length <= Self.copiedBytes - Self.reserve, hasRoom else {
      return lend(segment, from: start, atMost: limit)
    }
    guard let address = bytes.baseAddress else { return 0 }
    unsafe (framing + framed).copyMemory(from: address, byteCount: length)
    addCopied(length)
    return length
  }

  /// Fewer bytes than these are copied, for a piece costs the kernel more.
  private static let worthLending = 2048
  /// What such copies leave for framing.
  private static let reserve = 128

  /// Writes all pieces once to a socket.
  ///
  /// send(2), writev(2).
  ///
  /// - Parameter descriptor: an open socket that does not block.
  /// - Returns: how many bytes it took.
  public func write(to descriptor: Int32) -> WriteOutcome {
    while true {
      let taken =
        if count == 1 {
          unsafe send(descriptor, vectors[0].iov_base, vectors[0].iov_len, Int32(MSG_NOSIGNAL))
        } else {
          unsafe writev(descriptor, vectors, Int32(count))
        }
      if taken >= 0 { return .wrote(taken) }
      let error = SystemError("write")
      if error.code == EINTR { continue }
      return error.code == EAGAIN ? .wouldBlock : .failed(error)
    }
  }

  /// How far the pieces were gathered.
  struct Place {
    var piece = 0
    var offset = 0
  }

  /// Copies what lies behind a place, as much as fits, and moves the place.
  func gather(from place: inout Place, into memory: UnsafeMutableRawBufferPointer) -> Int {
    guard let target = memory.baseAddress else { return 0 }
    var copied = 0
    while place.piece < count, copied < memory.count {
      let piece = unsafe vectors[place.piece]
      let length = unsafe min(piece.iov_len - place.offset, memory.count - copied)
      if let start = unsafe piece.iov_base {
        unsafe (target + copied).copyMemory(from: start + place.offset, byteCount: length)
      }
      copied += length
      place.offset += length
      if unsafe place.offset == piece.iov_len { place = Place(piece: place.piece + 1, offset: 0) }
    }
    return copied
  }

  /// Takes in bytes that were copied behind the others; with a copied piece before them they are one.
  private func addCopied(_ length: Int) {
    let start = unsafe framing + framed
    framed += length
    guard count > 0, unsafe vectors[count - 1].iov_base + vectors[count - 1].iov_len == start else {
      return unsafe add(start, length)
    }
    unsafe vectors[count - 1].iov_len += length
    byteCount += length
  }

  private func add(_ address: UnsafeMutableRawPointer, _ length: Int) {
    unsafe vectors[count] = iovec(iov_base: address, iov_len: length)
    count += 1
    byteCount += length
  }
}
