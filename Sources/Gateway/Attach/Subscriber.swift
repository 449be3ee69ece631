internal import Streams

/// One client's answer attached to a run: a place in its log and the way to the client.
///
/// It owns no queue.
///
/// - Owner: the run, until the exchange ends.
/// - Thread: the worker's.
/// - Bound: may lag `streams.client_buffer` behind the log's end, or behind where it was when it joined.
final class Subscriber: ExchangeOwner {
  let exchange: Exchange
  /// The last event that the client had before this exchange.
  let seen: UInt64
  /// What the log holds when it joins is for it to catch up with, in its own time.
  private let joinedAt: Cursor
  var cursor: Cursor
  private var run: Run?

  init(_ exchange: Exchange, at cursor: Cursor, seen: UInt64, of run: Run) {
    self.exchange = exchange
    self.cursor = cursor
    self.seen = seen
    self.run = run
    joinedAt = run.log.end
  }

  /// Whether it still reads what was there before it came.
  var isCatchingUp: Bool { cursor < joinedAt }

  /// The client has its answer, or has gone.
  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    let run = self.run
    self.run = nil
    run?.readerLeft(self)
  }

  /// The client takes bytes again.
  func clientWritable() {
    run?.pump(self)
  }
}
