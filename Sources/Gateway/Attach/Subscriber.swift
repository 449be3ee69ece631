internal import Streams

/// One client's answer attached to a run: a place in its log and the way to the client.
///
/// It owns no queue.
///
/// - Owner: the run, until the exchange ends.
/// - Thread: the worker's.
/// - Bound: may lag `streams.client_buffer` behind the log's end.
final class Subscriber: ExchangeOwner {
  let exchange: Exchange
  var cursor: Cursor
  private var run: Run?

  init(_ exchange: Exchange, at cursor: Cursor, of run: Run) {
    self.exchange = exchange
    self.cursor = cursor
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
