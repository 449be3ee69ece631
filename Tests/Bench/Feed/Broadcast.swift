import Bytes
import Reactor
import Wire

/// The feed as the stand-in orchestrator gives it: every event to whoever reads it, or to the hub that spreads it.
///
/// - Owner: the orchestrator's stage.
/// - Thread: the orchestrator's.
final class Broadcast: TimerOwner {
  /// What other threads may know of it.
  struct State: Sendable {
    /// The place of the last event that was given; 0 before the first.
    var last: UInt64 = 0
    /// Whether more may come.
    var isRunning = false
    /// Why the hub did not take an event.
    var defect: String?
  }

  let state: Locked<State>
  private let event: FeedEvent
  private let loop: Loop
  private var readers: [ObjectIdentifier: OrchestratorConnection] = [:]
  private var hub: HubConnection?
  private var last: UInt64 = 0
  private var begun: UInt64 = 0
  private var pace: Pace?
  private var due = Instant(nanoseconds: 0)
  private var timer: TimerID?
  /// The last event, for those who ask for what they have missed.
  private(set) var latest: [UInt8] = []

  init(_ event: FeedEvent, state: Locked<State>, on loop: Loop) {
    self.event = event
    self.state = state
    self.loop = loop
  }

  /// A connection reads the feed from now on.
  func add(_ reader: OrchestratorConnection) {
    readers[ObjectIdentifier(reader)] = reader
  }

  /// A connection has closed.
  func remove(_ reader: OrchestratorConnection) {
    readers[ObjectIdentifier(reader)] = nil
  }

  /// Events go to a hub instead, by POST.
  func publish(to address: SocketAddress) {
    hub = HubConnection(to: address, on: loop, state: state)
  }

  /// Begins to give events.
  func begin(_ pace: Pace) {
    self.pace = pace
    begun = last
    due = loop.now
    switch pace {
    case .once: give(1)
    case .every: timerFired(0)
    case .saturated(let window): give(window)
    }
  }

  /// Takes note of how many of the events since the beginning all readers have had, on average.
  func progressed(to count: UInt64) {
    guard case .saturated(let window) = pace else { return }
    let mayBeGiven = begun + count + window
    if mayBeGiven > last { give(mayBeGiven - last) }
  }

  /// Gives no more.
  func stop() {
    loop.cancelTimer(&timer)
    pace = nil
    state.change { $0.isRunning = false }
  }

  /// Closes what it has opened.
  func close() {
    stop()
    hub?.close()
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    guard case .every(let interval) = pace else { return }
    give(1)
    due = due + interval
    timer = loop.setTimer(at: due, for: self)
  }

  /// Gives so many events with one write for each reader, each event as a chunk of its own.
  private func give(_ count: UInt64) {
    let now = Instant.now
    var output: [UInt8] = []
    for _ in 0..<count {
      last += 1
      if let hub {
        var data: [UInt8] = []
        event.appendData(last, sent: now, to: &data)
        hub.publish(data)
        continue
      }
      latest.removeAll(keepingCapacity: true)
      var text: [UInt8] = []
      event.append(last, sent: now, to: &text)
      HTTP1Encoder.appendChunkHead(text.count, to: &latest)
      latest.append(text.span)
      latest.append("\r\n")
      output.append(latest.span)
    }
    state.change { $0.last = last }
    for reader in Array(readers.values) { reader.give(output) }
  }
}
