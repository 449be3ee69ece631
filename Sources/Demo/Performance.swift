internal import Bytes
internal import Gateway
internal import Reactor
internal import Streams
internal import Wire

/// Plays an agent's script to one client, in its own time.
///
/// - Owner: the exchange, until it ends; the loop while a pause lasts.
/// - Thread: the orchestrator's.
final class Performance: ExchangeOwner, TimerOwner {
  private let exchange: Exchange
  private let loop: Loop
  private let log = EventLog()
  private var cursor = Cursor(offset: 0)
  private var steps: ArraySlice<AgentScript.Step>
  private var pause: TimerID?
  /// Whether the last event was the script's end: a stall never ends.
  private var isOver = false

  init(of script: AgentScript, for exchange: Exchange, on loop: Loop) {
    self.exchange = exchange
    self.loop = loop
    steps = script.steps[...]
  }

  func begin() {
    exchange.owner = self
    var head = ResponseHead(status: 200)
    head.fields.append("Content-Type", "text/plain; charset=utf-8")
    exchange.transport?.beginStream(head, prelude: [], of: exchange)
    waitForNext()
  }

  func timerFired(_ tag: UInt8) {
    pause = nil
    guard let step = steps.popFirst() else { return }
    switch step.body {
    case .event(let json):
      var block: [UInt8] = []
      block.append("data: ")
      block.append(json.span)
      block.append("\n\n")
      log.append(event: block.span, at: 0)
      isOver = steps.isEmpty
      pump()
      waitForNext()
    case .stall:
      return
    case .abort:
      exchange.transport?.abort(.completed)
    }
  }

  func pump() {
    guard let transport = exchange.transport else { return }
    var place = cursor
    _ = transport.pump(log, from: &place, isFinal: isOver)
    cursor = place
    log.trim(before: cursor)
    log.release(before: cursor)
  }

  func exchangeEnded(_ exchange: Exchange, _ reason: CloseReason) {
    loop.cancelTimer(&pause)
    steps = []
  }

  func clientWritable() {
    pump()
  }

  private func waitForNext() {
    guard exchange.transport != nil, let next = steps.first else { return }
    pause = loop.setTimer(after: .milliseconds(next.pauseMilliseconds), for: self)
  }
}
