import Bytes
import Reactor
import Wire

/// A client that posts one chat request after another over a kept connection and checks every answer.
///
/// - Owner: its crowd, until it has left.
/// - Thread: the crowd's.
final class ChatClient: SocketOwner, TimerOwner {
  private enum Phase { case waiting, connecting, answering, left }

  /// How long it waits after a defect before it tries again.
  private static let pause = Duration.milliseconds(50)

  private unowned let crowd: Crowd
  private let number: Int
  private var runs = 0
  private var phase = Phase.waiting
  private var socket: Socket?
  private var timer: TimerID?
  private var outbox = Outbox()
  private var answer: Answer
  private var askedAt = Instant(nanoseconds: 0)

  /// A client that has not come yet.
  init(_ number: Int, of crowd: Crowd) {
    self.number = number
    self.crowd = crowd
    answer = Answer(of: [], script: crowd.plan.script)
  }

  /// Begins its first run at a moment.
  func come(at moment: Instant) {
    timer = crowd.loop.setTimer(at: moment, for: self)
  }

  /// Ends now; a run under way is a defect.
  func giveUp() {
    switch phase {
    case .left: return
    case .waiting: leave()
    case .connecting, .answering: fail(.late(after: answer.transcript.count))
    }
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    // The first run is made in any case: a crowd may come for one run each.
    if crowd.isClosing, runs > 0 { return leave() }
    connect()
  }

  // MARK: - Connection

  private func connect() {
    phase = .connecting
    do throws(SystemError) {
      socket = try Socket.connect(to: crowd.plan.address, on: crowd.loop, for: self)
    } catch {
      fail(.unreachable(error))
    }
  }

  func socketWritable() {
    guard let socket else { return }
    if phase == .connecting {
      if let error = socket.finishConnecting() { return fail(.unreachable(error)) }
      return ask()
    }
    do throws(SystemError) {
      try outbox.flush(to: socket)
    } catch {
      fail(.broken(error))
    }
  }

  private func disconnect() {
    crowd.loop.cancelTimer(&timer)
    socket?.close()
    socket = nil
    outbox.removeAll()
  }

  private func leave() {
    guard phase != .left else { return }
    disconnect()
    phase = .left
    crowd.left(self)
  }

  /// Tells of a defect, and begins again after a pause with another connection.
  private func fail(_ defect: RunDefect) {
    crowd.failed(defect)
    disconnect()
    guard !crowd.isClosing else { return leave() }
    phase = .waiting
    timer = crowd.loop.setTimer(after: Self.pause, for: self)
  }

  // MARK: - Runs

  private func ask() {
    guard let socket else { return }
    let run = Array("\(number).\(runs)".utf8)
    runs += 1
    answer = Answer(of: run, script: crowd.plan.script)
    phase = .answering
    askedAt = .now
    do throws(SystemError) {
      try outbox.send(ChatRequest.encoded(run: run.span).span, to: socket)
    } catch {
      fail(.broken(error))
    }
  }

  func socketReadable() {
    guard let socket else { return }
    var defect: RunDefect?
    let outcome = socket.read { bytes in
      do throws(RunDefect) {
        try receive(bytes)
      } catch {
        defect = error
      }
    }
    if let defect { return fail(defect) }
    switch outcome {
    case .read: if answer.isComplete { finish() }
    case .wouldBlock: return
    case .ended: fail(.cut(after: answer.transcript.count))
    case .failed(let error): fail(.broken(error))
    }
  }

  private func receive(_ bytes: Span<UInt8>) throws(RunDefect) {
    let now = Instant.now
    if answer.transcript.count > 0 { return try receiveEvents(bytes, at: now) }
    try receiveEvents(bytes, at: now)
    if answer.transcript.count > 0 { crowd.tally.firstEvents.record(now.nanoseconds - askedAt.nanoseconds) }
  }

  private func receiveEvents(_ bytes: Span<UInt8>, at now: Instant) throws(RunDefect) {
    try answer.receive(bytes) { sent in
      crowd.tally.events += 1
      crowd.tally.latencies.record(now.nanoseconds - min(sent.nanoseconds, now.nanoseconds))
    }
  }

  /// The answer has ended cleanly: judges the run and begins the next one.
  private func finish() {
    do throws(RunDefect) {
      try answer.end()
    } catch {
      return fail(error)
    }
    crowd.ended()
    if crowd.isClosing { return leave() }
    if answer.persistsConnection { return ask() }
    disconnect()
    connect()
  }
}
