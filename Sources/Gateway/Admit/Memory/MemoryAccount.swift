internal import Wire

/// What one worker holds of `memory.budget`, by kind.
///
/// - Owner: the worker.
/// - Thread: the worker's; others read the sums.
final class MemoryAccount {
  let budget: MemoryBudget
  private let counters: Counters
  /// Whether a shortage was told.
  private var isTold = false

  init(within budget: MemoryBudget, _ counters: Counters) {
    self.budget = budget
    self.counters = counters
  }

  var level: MemoryLevel { budget.level }

  /// Whether what is kept for later has to give way.
  var isTight: Bool { level >= .tight }

  /// Takes so many bytes, or gives them back.
  func add(_ difference: Int, to kind: MemoryKind) {
    guard difference != 0 else { return }
    counters.held(difference, kind)
    budget.add(difference)
  }

  /// Counts a request from its head on, with as much of a body as it announces.
  func began(_ exchange: Exchange, atMost bodyBytes: Int) {
    let head = exchange.head
    exchange.bodyBytes = head.announcedBodyBytes(atMost: bodyBytes)
    exchange.heldBytes =
      MemoryCost.exchange + head.fields.bytes.count + head.path.count + head.query.count + exchange.bodyBytes
    add(exchange.heldBytes, to: .requests)
    // An array that grows step by step takes up to twice what it holds, and leaves holes behind.
    exchange.body.reserveCapacity(exchange.bodyBytes)
  }

  /// Counts a body without an announced length as it grows; whether there was more to count.
  func grew(_ exchange: Exchange) -> Bool {
    guard exchange.heldBytes > 0, exchange.body.count > exchange.bodyBytes else { return false }
    setBody(of: exchange, to: exchange.body.count)
    return true
  }

  /// A request's body was passed on: nothing of it is here.
  func passedOn(_ exchange: Exchange) {
    if exchange.heldBytes > 0 { setBody(of: exchange, to: exchange.body.count) }
  }

  /// Its stream has begun: of what was asked nothing is kept.
  func streams(_ exchange: Exchange) {
    guard exchange.heldBytes > 0 else { return }
    add(MemoryCost.reader - exchange.heldBytes, to: .requests)
    (exchange.heldBytes, exchange.bodyBytes) = (MemoryCost.reader, 0)
  }

  private func setBody(of exchange: Exchange, to bytes: Int) {
    let difference = bytes - exchange.bodyBytes
    exchange.bodyBytes = bytes
    exchange.heldBytes += difference
    add(difference, to: .requests)
  }

  /// A request came to its end, or went to another worker.
  func ended(_ exchange: Exchange) {
    add(-exchange.heldBytes, to: .requests)
    (exchange.heldBytes, exchange.bodyBytes) = (0, 0)
  }

  // MARK: - Shortages

  /// Whether a reader may lag so far: where nothing is left, one that does is cut, and may come back.
  func mayLag(by bytes: UInt64) -> Bool {
    bytes <= UInt64(MemoryCost.lag) || level < .exhausted
  }

  /// Whether this refusal is the first since there was room, and is to be told.
  func isNews() -> Bool {
    defer { isTold = true }
    return !isTold
  }

  /// There is room: the next shortage is another.
  func recovered() { isTold = false }
}

extension RequestHead {
  /// How many bytes of body follow, as far as the head says it and they may.
  fileprivate func announcedBodyBytes(atMost bound: Int) -> Int {
    guard let framing = try? bodyFraming(), case .length(let length) = framing else { return 0 }
    return Int(min(length, UInt64(bound)))
  }
}
