internal import Reactor
internal import Streams

/// How a reader came to its stream.
enum Arrival {
  /// It named no event.
  case new
  /// It has had all before its cursor.
  case resumed
  /// Events between what it has had and its cursor are gone.
  indirect case lost(LostEvents)
}

/// Events that a reader can't have any more.
enum LostEvents {
  /// These sequences of the gateway's.
  case sequences(ClosedRange<UInt64>)
  /// All after this id; nobody knows how many.
  case after(id: [UInt8])
}

/// One client's answer attached to a stream: a place in its log and the way to the client.
///
/// It owns no queue, but for a little of what a slow one is given instead of the log.
///
/// - Owner: the stream, until the exchange ends.
/// - Thread: the worker's.
/// - Bound: may lag `streams.client_buffer` behind the log's end once it has caught up, and never behind what is kept;
///   beyond that, its route's `slow_readers`.
final class Subscriber: ExchangeOwner {
  let exchange: Exchange
  /// The last event that the client had before this exchange.
  let seen: UInt64
  /// What its answer begins with, until it has begun.
  var arrival: Arrival
  /// Where the stream keeps it.
  var place: Int32 = -1
  /// Whether it was ever as near to the log's end as a reader has to stay.
  ///
  /// Until then it catches up in its own time, also while the run goes on.
  var hasCaughtUp = false
  /// What it is given apart from the log, once it was too slow for that.
  var slow: SlowReading?
  /// What it gets instead of the log while it is too slow.
  var detour: Detour? { slow?.detour }
  private var stream: Stream?

  init(
    _ exchange: Exchange, seen: UInt64, arrival: Arrival = .new, of stream: Stream
  ) {
    self.arrival = arrival
    self.exchange = exchange
    self.seen = seen
    self.stream = stream
  }

  /// The client has its answer, or has gone.
  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    let stream = self.stream
    self.stream = nil
    stream?.readerLeft(self)
  }

  /// How many events its client has got here once it has all up to this one.
  func offered(upTo sequence: UInt64) -> UInt64 { sequence - seen - (slow?.missed ?? 0) }

  /// When its client last took bytes that its transport was not asked to write.
  var lastWrite: Instant? { stream?.lastWrite(to: self) }

  /// The client takes bytes again.
  func clientWritable() {
    stream?.pump(self)
    stream?.madeRoom()
  }
}
