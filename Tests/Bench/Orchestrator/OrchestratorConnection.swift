import Bytes
import Reactor
import Wire

/// A connection to the stand-in orchestrator: one request after another, each answered with
/// the script, or one for the feed, which has no end.
///
/// It expects good requests; whoever sends another one is cut off, and the client notices.
/// - Owner: its socket, until `close`.
/// - Thread: the orchestrator's.
final class OrchestratorConnection: SocketOwner, TimerOwner {
  private enum Phase { case asked, answering, following, closed }

  /// How many events at the most go out with one write where there is no pause between them.
  private static let eventsEachWrite = 10
  /// How much of the feed may wait for whoever does not read it; then it gets no more, which its reader would notice.
  private static let mostWaitingBytes = 4 << 20

  private let stage: Stage
  private let socket: Socket
  private var phase = Phase.asked
  private var request = Request()
  private var run: [UInt8] = []
  private var outbox = Outbox()
  /// The place of the next event, and when it is due.
  private var place = 0
  private var due = Instant(nanoseconds: 0)
  private var timer: TimerID?

  /// Takes over an accepted socket.
  init(takingOver descriptor: Int32, on stage: Stage) {
    self.stage = stage
    socket = Socket(takingOver: descriptor, on: stage.loop)
    socket.start(for: self)
  }

  /// Closes; the only way.
  func close() {
    guard phase != .closed else { return }
    if phase == .following { stage.broadcast.remove(self) }
    phase = .closed
    stage.loop.cancelTimer(&timer)
    socket.close()
    stage.left(self)
  }

  func socketReadable() {
    var asked: Asked?
    var isMalformed = false
    let outcome = socket.read { bytes in
      do throws(HTTPViolation) {
        asked = try request.receive(bytes)
      } catch {
        isMalformed = true
      }
    }
    switch outcome {
    case .read:
      // Nobody here sends a request before the last one was answered.
      guard !isMalformed, phase == .asked || asked == nil else { return close() }
      if let asked { answer(asked) }
    case .wouldBlock: return
    case .ended, .failed: close()
    }
  }

  private func answer(_ asked: Asked) {
    switch asked {
    case .run(let name):
      run = name
      place = 0
      due = stage.loop.now
      phase = .answering
      sendDue(behind: stage.answerHead)
    case .feed(let resumes):
      phase = .following
      stage.broadcast.add(self)
      write(resumes ? stage.answerHead + stage.broadcast.latest : stage.answerHead)
    }
  }

  /// Gives events of the feed.
  func give(_ events: [UInt8]) {
    guard outbox.waitingBytes < Self.mostWaitingBytes else { return stage.broadcast.remove(self) }
    write(events)
  }

  func timerFired(_ tag: UInt8) {
    timer = nil
    sendDue(behind: [])
  }

  /// Sends the events that are due and sets the timer for the next one; without pauses all are due, some a write.
  private func sendDue(behind head: [UInt8]) {
    let isPaced = stage.program.interval > .zero
    var output = head
    while phase == .answering {
      appendChunk(endingBefore: isPaced ? place + 1 : groupEnd, to: &output)
      let isLast = place == stage.program.script.count
      // A late event goes out together with the next one.
      if isPaced, !isLast, due <= stage.loop.now { continue }
      send(output)
      output.removeAll(keepingCapacity: true)
      guard isPaced, phase == .answering else { continue }
      timer = stage.loop.setTimer(at: due, for: self)
      return
    }
  }

  /// The place behind the next write's events: first the prelude, then ten at a time.
  private var groupEnd: Int {
    min(stage.program.script.count, place == 0 ? Script.preludeEvents : place + Self.eventsEachWrite)
  }

  /// Appends events as one chunk, and the answer's end behind the last one.
  private func appendChunk(endingBefore end: Int, to output: inout [UInt8]) {
    let (now, run) = (Instant.now, run)
    var events: [UInt8] = []
    while place < end {
      stage.program.script.append(place, run: run.span, sent: now, to: &events)
      place += 1
      due = due + stage.program.interval
    }
    HTTP1Encoder.appendChunkHead(events.count, to: &output)
    output.append(events.span)
    output.append("\r\n")
    if place == stage.program.script.count { output.append(HTTP1Encoder.lastChunk) }
  }

  private func send(_ output: [UInt8]) {
    if place == stage.program.script.count { phase = .asked }
    write(output)
  }

  private func write(_ output: [UInt8]) {
    do throws(SystemError) {
      try outbox.send(output.span, to: socket)
    } catch {
      close()
    }
  }

  func socketWritable() {
    do throws(SystemError) {
      try outbox.flush(to: socket)
    } catch {
      close()
    }
  }
}
