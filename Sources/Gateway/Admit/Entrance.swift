internal import Admission
internal import Bytes
internal import Reactor
internal import Streams
internal import Wire

/// A request that waits for room at a limit.
///
/// A GET's answer begins meanwhile, so that it is kept alive by heartbeats; a POST keeps the chance of a status, until
/// it has waited for as long as a stream may be silent.
/// - Owner: the exchange, until it is admitted or refused.
/// - Thread: the worker's.
final class Entrance: ExchangeOwner, SlotOwner, TimerOwner {
  private let exchange: Exchange
  private unowned let worker: Worker
  private let limits: ConnectionLimits
  private var ticket: WaitTicket?
  private var timer: TimerID?
  private let nothing = EventLog()

  init(_ exchange: Exchange, of worker: Worker, _ limits: ConnectionLimits) {
    self.exchange = exchange
    self.worker = worker
    self.limits = limits
  }

  /// Waits with this ticket.
  func wait(_ ticket: WaitTicket) {
    self.ticket = ticket
    worker.slots.own(ticket, self)
    exchange.owner = self
    if exchange.method == .get {
      beginAnswer()
    } else {
      timer = worker.loop.setTimer(after: limits.heartbeat, for: self)
    }
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    beginAnswer()
  }

  private func beginAnswer() {
    var head = Attach.streamHead()
    head.fields.append(contentsOf: exchange.answerFields)
    exchange.record.status = 200
    exchange.transport?.beginStream(head, prelude: Array(": wait\n".utf8), of: exchange)
    clientWritable()
  }

  // MARK: - Ends

  func slotGranted(_ slot: Slot) {
    leave()
    exchange.slot = slot
    worker.admitted(exchange)
  }

  func slotRefused(_ refusal: LimitRefusal) {
    leave()
    worker.refuse(exchange, refusal)
  }

  func slotEvicted(by limit: String) {}

  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    worker.loop.cancelTimer(&timer)
    if let ticket { worker.slots.abandon(ticket) }
    ticket = nil
  }

  func clientWritable() {
    var cursor = nothing.end
    _ = exchange.transport?.pump(nothing, from: &cursor, isFinal: false)
  }

  private func leave() {
    worker.loop.cancelTimer(&timer)
    ticket = nil
    exchange.owner = nil
  }
}
