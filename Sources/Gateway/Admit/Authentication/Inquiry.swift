/// A request about which a service is being asked; its client may leave meanwhile.
///
/// - Owner: the exchange, until the answer comes.
final class Inquiry: ExchangeOwner {
  private var exchange: Exchange?

  init(_ exchange: Exchange) {
    self.exchange = exchange
    exchange.owner = self
  }

  /// The answer has come.
  ///
  /// - Returns: whether the client is still there.
  func end() -> Bool {
    guard let exchange, exchange.transport != nil else { return false }
    self.exchange = nil
    exchange.owner = nil
    return true
  }

  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    self.exchange = nil
  }

  func clientWritable() {}
}
