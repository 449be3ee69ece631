internal import Streams

/// One client's answer attached to a run: a place in its log and the way to the client.
///
/// It owns no queue.
///
/// - Owner: the run, until the exchange ends.
/// - Thread: the worker's.
/// - Bound: may lag `streams.client_buffer` behind the log's end once it has caught up, and never behind what is kept.
final class Subscriber: ExchangeOwner {
  let exchange: Exchange
  /// The last event that the client had before this exchange.
  let seen: UInt64
  /// Whether it was ever as near to the log's end as a reader has to stay.
  ///
  /// Until then it catches up in its own time, also while the run goes on.
  var hasCaughtUp = false
  var cursor: Cursor
  private var run: Run?

  init(_ exchange: Exchange, at cursor: Cursor, seen: UInt64, of run: Run) {
    self.exchange = exchange
    self.cursor = cursor
    self.seen = seen
    self.run = run
  }

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
