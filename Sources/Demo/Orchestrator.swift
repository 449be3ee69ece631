internal import Bytes
internal import Gateway
internal import Logging
public import Reactor
internal import Wire

/// A stand-in for a real orchestrator: an HTTP server of its own, on a loop and a thread of its own.
///
/// It behaves as many real ones do, which is why the gateway exists: it takes only `POST`, labels its stream of
/// events `text/plain`, numbers nothing, and pauses to think.
/// - Thread: its own; `address` may be read anywhere.
/// - Ends when: the process does.
public final class Orchestrator: Sendable {
  /// Where it listens.
  public let address: SocketAddress

  /// Binds and starts to serve.
  ///
  /// - Parameter address: where to listen, loopback only makes sense.
  /// - Throws: `SystemError` where it can't be bound.
  public init(at address: SocketAddress) throws(SystemError) {
    let socket = try ListeningSocket(address, options: SocketOptions(unacknowledged: .seconds(30)))
    self.address = socket.address
    let loop = try Loop()
    let stage = Stage(loop)
    let thread = try Thread("orchestrator") {
      let listener = Listener(socket, on: loop, for: stage)
      loop.run()
      listener.close()
    }
    thread.detach()
  }
}

/// Takes the orchestrator's requests and has each one performed.
private final class Stage: ListenerOwner, RequestReceiver {
  private let loop: Loop
  private let limits = ConnectionLimits(
    headTimeout: .seconds(10), bodyTimeout: .seconds(10), idleTimeout: .seconds(60), sendTimeout: .seconds(60),
    heartbeat: .seconds(3600), head: HeadLimits(headBytes: 16 * 1024, targetBytes: 8 * 1024),
    bodyBytes: 1024 * 1024)

  init(_ loop: Loop) {
    self.loop = loop
  }

  func accepted(_ descriptor: Int32, from peer: SocketAddress, on address: SocketAddress) {
    _ = HTTP1Connection(takingOver: descriptor, from: peer, on: loop, limits: limits, for: self)
  }

  func headReceived(_ exchange: Exchange) {
    guard exchange.head.path == Array("/process/stream".utf8) else {
      return exchange.respond(Problem.response(status: 404, detail: "the demo orchestrator serves /process/stream"))
    }
    guard exchange.method == .post else {
      var response = Problem.response(status: 405, detail: "the demo orchestrator takes only POST")
      response.head.fields.append("Allow", "POST")
      return exchange.respond(response)
    }
  }

  func received(_ exchange: Exchange) {
    let body = exchange.takeBody()
    let name = Array("message".utf8)
    guard let range = JSONScanner.topLevelString(name.span, of: body.span) else {
      return exchange.respond(
        Problem.response(status: 422, detail: "the body is no JSON object with a text \"message\""))
    }
    var message: [UInt8] = []
    JSONScanner.append(unescaped: body.span.extracting(range), to: &message)
    let script = AgentRouter.script(for: String(message.span))
    Performance(of: script, for: exchange, on: loop).begin()
  }

  func clientWritable(_ exchange: Exchange) {
    exchange.owner?.clientWritable()
  }

  func finished(_ exchange: Exchange, _ reason: CloseReason) {}
  func rejected(peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {}
  func disconnected(_ connection: HTTP1Connection) {}
  func acceptPaused(_ error: SystemError, on address: SocketAddress) {}
  func acceptResumed(on address: SocketAddress) {}
}
