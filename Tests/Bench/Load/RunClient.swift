import Load
import Reactor
import Wire

/// A member of a crowd: it makes one run after another, over one connection as long as that lasts, and checks every event.
///
/// - Owner: its crowd, until it has left.
/// - Thread: the crowd's.
final class RunClient: TimerOwner, ClientConnectionOwner {
  private enum Phase { case waiting, connecting, answering, left }

  /// How long it waits after a defect before it tries again.
  private static let pause = Duration.milliseconds(50)

  private unowned let crowd: Crowd
  private let number: Int
  private var errand: any Errand
  private var runs = 0
  private var phase = Phase.waiting
  private var connection: ClientConnection?
  private var timer: TimerID?
  /// When the run under way began, with the connection where it has made one.
  private var beganAt = Instant(nanoseconds: 0)
  private var events = 0

  /// A client that has not come yet.
  init(_ number: Int, of crowd: Crowd, for errand: any Errand) {
    self.number = number
    self.crowd = crowd
    self.errand = errand
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
    case .connecting, .answering: failed(.late(after: events))
    }
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    // The first run is made in any case: a crowd may come for one run each.
    if crowd.isClosing, runs > 0 { return leave() }
    connect()
  }

  // MARK: - Runs

  private func connect() {
    phase = .connecting
    beganAt = .now
    do throws(SystemError) {
      // Another address each time: a port stays taken for a while after a connection.
      let source = number &+ runs &* crowd.plan.clients
      connection = try ClientConnection(to: crowd.plan.address, from: source, on: crowd.loop, for: self)
    } catch {
      failed(.unreachable(error))
    }
  }

  func connected() {
    ask()
  }

  private func ask() {
    let request = errand.begin(Array("\(number).\(runs)".utf8))
    runs += 1
    events = 0
    phase = .answering
    connection?.ask(request)
  }

  func take(_ event: StreamEvent, at now: Instant) throws(RunDefect) {
    let sent = try errand.take(event)
    if events == 0 { crowd.tally.firstEvents.take(from: beganAt, to: now) }
    events += 1
    crowd.tally.events += 1
    crowd.tally.latencies.take(from: sent, to: now)
  }

  func progressed() {
    guard let answer = connection?.answer else { return }
    if errand.isDone { return finish(keepsConnection: false) }
    guard answer.isComplete else { return }
    do throws(RunDefect) {
      try errand.end()
    } catch {
      return failed(error)
    }
    finish(keepsConnection: answer.persistsConnection)
  }

  /// The run has come to a good end: begins the next one.
  private func finish(keepsConnection: Bool) {
    crowd.ended()
    if crowd.isClosing { return leave() }
    if keepsConnection {
      beganAt = .now
      return ask()
    }
    disconnect()
    connect()
  }

  // MARK: - Ends

  private func disconnect() {
    crowd.loop.cancelTimer(&timer)
    connection?.close()
    connection = nil
  }

  private func leave() {
    guard phase != .left else { return }
    disconnect()
    phase = .left
    crowd.left(self)
  }

  /// Tells of a defect, and begins again after a pause with another connection.
  func failed(_ defect: RunDefect) {
    crowd.failed(defect)
    disconnect()
    guard !crowd.isClosing else { return leave() }
    phase = .waiting
    timer = crowd.loop.setTimer(after: Self.pause, for: self)
  }
}
