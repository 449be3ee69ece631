internal import Admission
internal import Bytes
public import Reactor
internal import Settings
internal import Wire

// What comes before the first request where a door encrypts: the proxy's own header, in the clear, and the handshake.

extension HTTP1Connection {
  /// Comes in by a door.
  func enter(by door: Door) {
    self.door = door
    guard door.isSecure else { return }
    arm(after: door.settings.tls?.handshakeTimeout ?? limits.headTimeout)
    if !expectsProxyHeader { secure(by: door) }
  }

  /// Whether no request can come yet.
  var isSecuring: Bool { socket.isHandshaking || isProxyHeaderInTheClear }

  /// Whether the proxy's header comes before a handshake.
  var isProxyHeaderInTheClear: Bool { expectsProxyHeader && door?.isSecure == true }

  private func secure(by door: Door) {
    let client = clientPeer.address.map { ClientKey($0) } ?? .unix
    guard door.admitsHandshake(of: client, at: loop.now) else {
      receiver.handshakeEnded(self, .limited, detail: "too many handshakes of one client (listen[].tls.handshakes)")
      return close(.limited)
    }
    guard let layer = door.makeLayer() else { return close(.clientReset) }
    socket.secure(with: layer)
  }

  /// Takes the proxy's header and not a byte more: what follows is for the layer.
  func readProxyHeader() {
    var outcome = Result<Int?, RequestFault>.success(nil)
    let read = socket.readSome { bytes in
      let earlier = input.count
      input.append(bytes)
      outcome = takeProxyHeader(behind: earlier)
      if case .success(let taken?) = outcome { return taken }
      return bytes.count
    }
    switch (read, outcome) {
    case (.ended, _): close(.clientClosed)
    case (.failed, _): close(.clientReset)
    case (_, .success(nil)): break
    case (_, .success):
      input = []
      if let door { secure(by: door) }
    case (_, .failure(let fault)):
      receiver.rejected(peer: peer, status: 0, detail: fault.description, .badRequest)
      close(.badRequest)
    }
  }

  /// How many of the bytes behind the earlier ones belong to the header; `nil` where it is not whole.
  private func takeProxyHeader(behind earlier: Int) -> Result<Int?, RequestFault> {
    let bytes = input
    do throws(RequestFault) {
      guard let header = try Self.proxyHeader(bytes.span) else { return .success(nil) }
      believe(header)
      return .success(header.byteCount - earlier)
    } catch {
      return .failure(error)
    }
  }

  /// The handshake is over.
  public func handshakeEnded(_ failure: LayerFailure?) {
    guard let failure else {
      receiver.handshakeEnded(self, socket.isResumed ? .resumed : .full, detail: "")
      return arm(after: limits.headTimeout)
    }
    switch failure {
    case .plainHTTP:
      receiver.handshakeEnded(self, .failed, detail: "a plain HTTP request")
      socket.dropLayer()
      var head = ResponseHead(status: 400)
      head.fields.append("Content-Type", "text/plain; charset=utf-8")
      respondLast(Response(head, body: Array("this port speaks TLS only: use https\n".utf8)))
    case .peerLeft:
      receiver.handshakeEnded(self, .failed, detail: "the client has left")
      close(.handshakeFailed)
    case .broken(let words):
      receiver.handshakeEnded(self, .failed, detail: words)
      close(.handshakeFailed)
    }
  }

  /// The handshake, or the header before it, took too long.
  func handshakeTimedOut() {
    receiver.handshakeEnded(self, .timeout, detail: "it was not over within listen[].tls.handshake_timeout")
    close(.handshakeTimeout)
  }
}
