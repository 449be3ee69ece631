internal import Reactor
internal import Streams

/// The readers of a stream in the order in which they are written to, and of each what writing to it takes.
///
/// A reader that has had everything, whose socket has room and on whose connection a chunk may begin is *free*: it takes
/// the same bytes as all others at its place, so nothing of its objects is touched to write to it. What they would have
/// noted meanwhile is told when they ask, or when it leaves.
/// - Owner: the stream.
/// - Thread: the worker's.
struct Readers {
  /// What a write needs to know of a reader.
  private struct Lane {
    var cursor: Cursor
    /// Bytes written to it while it was free, as far as nobody was told.
    var bytes: UInt64 = 0
    /// Where frames are written; none where it is not free.
    var descriptor: Int32 = -1
  }

  /// Where a walk stopped.
  enum Stop {
    /// At the end, or because nothing more may be written now.
    case done
    /// In front of a reader that needs its transport.
    case bound
    /// A free reader took only so many bytes of the frame, and is not free any more.
    case took(Int)
  }

  private(set) var all: [Subscriber] = []
  private var lanes: [Lane] = []
  /// Readers in front of this one were not walked to yet.
  private(set) var next = 0

  var count: Int { all.count }

  var isEmpty: Bool { all.isEmpty }

  subscript(_ place: Int) -> Subscriber { all[place] }

  mutating func append(_ reader: Subscriber, at cursor: Cursor) {
    reader.place = Int32(all.count)
    all.append(reader)
    lanes.append(Lane(cursor: cursor))
  }

  /// Removes a reader, the last one takes its place; false where it is not here.
  mutating func remove(_ reader: Subscriber) -> Bool {
    guard holds(reader) else { return false }
    let place = reader.index
    all.swapAt(place, all.count - 1)
    lanes.swapAt(place, all.count - 1)
    all.removeLast()
    lanes.removeLast()
    // The last one was walked to before this one: being in front again costs it a look.
    if place < all.count { all[place].place = Int32(place) }
    next = min(next, all.count)
    return true
  }

  /// Whether a reader is here.
  func holds(_ reader: Subscriber) -> Bool {
    all.indices.contains(reader.index) && all[reader.index] === reader
  }

  func cursor(of reader: Subscriber) -> Cursor { lanes[reader.index].cursor }

  func isFree(_ reader: Subscriber) -> Bool { lanes[reader.index].descriptor >= 0 }

  /// Notes where a reader is, and where frames may be written to it.
  ///
  /// - Returns: bytes written to it that nobody was told of.
  mutating func place(_ reader: Subscriber, at cursor: Cursor, freeBy descriptor: Int32) -> UInt64 {
    let bytes = lanes[reader.index].bytes
    lanes[reader.index] = Lane(cursor: cursor, descriptor: descriptor)
    return bytes
  }

  /// The place of the slowest reader.
  var slowest: Cursor? { lanes.lazy.map(\.cursor).min() }

  /// Whether a walk is under way.
  var isWalking: Bool { next > 0 }

  /// Begins a walk at the last reader.
  mutating func beginWalk() {
    next = all.count
  }

  /// Steps over the next reader.
  ///
  /// - Returns: it.
  mutating func step() -> Subscriber {
    next -= 1
    return all[next]
  }

  /// Writes to the free readers that come next, until one comes that is not.
  ///
  /// - Parameters:
  ///   - log: what they read.
  ///   - frame: made again wherever readers stand at another place.
  ///   - writes: how many may be made; becomes less.
  /// - Returns: why it stopped.
  mutating func writeToFree(_ log: EventLog, by frame: Frame, atMost writes: inout Int) -> Stop {
    var lanes: [Lane] = []
    // In a local variable, so that each access costs an access.
    swap(&lanes, &self.lanes)
    defer { swap(&lanes, &self.lanes) }
    let end = log.end
    while next > 0 {
      let place = next - 1
      let (cursor, descriptor) = (lanes[place].cursor, lanes[place].descriptor)
      guard descriptor >= 0 else { return .bound }
      if cursor == end {
        next = place
        continue
      }
      guard writes > 0 else { return .done }
      guard frame.fill(from: cursor, of: log) else {
        lanes[place].descriptor = -1
        return .bound
      }
      writes -= 1
      guard case .wrote(let count) = frame.write(to: descriptor) else {
        lanes[place].descriptor = -1
        return .bound
      }
      guard count == frame.byteCount else {
        lanes[place].descriptor = -1
        return .took(count)
      }
      lanes[place].cursor = end
      lanes[place].bytes &+= UInt64(count)
      next = place
    }
    return .done
  }
}

extension Subscriber {
  fileprivate var index: Int { Int(place) }
}
