import Bytes
import Reactor
import Wire

/// The connection by which events are published to a hub: one POST after another, none of which waits for the last.
///
/// - Owner: its socket, until `close`.
/// - Thread: the orchestrator's.
final class HubConnection: SocketOwner {
  private static let target = Array(Nchan.publisherPath.utf8)
  private let state: Locked<Broadcast.State>
  private var socket: Socket?
  private var outbox = Outbox()
  private var input: [UInt8] = []
  private var parser = ResponseHeadParser(limits: HeadLimits(headBytes: 16 * 1024, targetBytes: 0))
  /// What takes the framing off the answer under way, once its head is whole.
  private var body: BodyDecoder?

  /// Begins to connect; what is published meanwhile waits.
  init(to address: SocketAddress, on loop: Loop, state: Locked<Broadcast.State>) {
    self.state = state
    do throws(SystemError) {
      socket = try ClientSocket().connect(to: address, on: loop, for: self).socket
    } catch {
      fail("the hub is unreachable: \(error)")
    }
  }

  /// Publishes an event.
  func publish(_ data: [UInt8]) {
    guard let socket else { return }
    var fields = FieldSection()
    fields.append("Host", "bench.example")
    fields.append("Content-Type", "application/json")
    var request: [UInt8] = []
    HTTP1Encoder.appendRequest(
      method: .post, target: Self.target.span, fields: fields, framing: .length(UInt64(data.count)), to: &request)
    request.append(data.span)
    do throws(SystemError) {
      try outbox.send(request.span, to: socket)
    } catch {
      fail("the hub broke the connection: \(error)")
    }
  }

  /// Closes; the only way.
  func close() {
    socket?.close()
    socket = nil
  }

  func socketWritable() {
    guard let socket else { return }
    if let error = socket.finishConnecting() { return fail("the hub is unreachable: \(error)") }
    do throws(SystemError) {
      try outbox.flush(to: socket)
    } catch {
      fail("the hub broke the connection: \(error)")
    }
  }

  func socketReadable() {
    guard let socket else { return }
    switch socket.read({ input.append($0) }) {
    case .read:
      do throws(HTTPViolation) {
        try readAnswers()
      } catch {
        fail("the hub's answer is malformed: \(error.reason)")
      }
    case .wouldBlock: return
    case .ended: fail("the hub closed the connection")
    case .failed(let error): fail("the hub broke the connection: \(error)")
    }
  }

  private func readAnswers() throws(HTTPViolation) {
    let received = input
    var used = 0
    while used < received.count {
      let rest = received.span.extracting(used...)
      var offset = 0
      if body == nil {
        guard let (head, consumed) = try parser.parse(rest) else { break }
        guard (200..<300).contains(head.status) else { return fail("the hub refused an event: status \(head.status)") }
        body = BodyDecoder(framing: try head.bodyFraming(for: .post))
        offset = consumed
      }
      while let step = try body?.next(in: rest, at: &offset), step != .needMore {
        if step == .complete { body = nil }
      }
      used += offset
      // The rest of this answer is still to come.
      if body != nil { break }
    }
    input.removeFirst(used)
  }

  private func fail(_ words: String) {
    state.change { if $0.defect == nil { $0.defect = words } }
    close()
  }
}
