internal import Admission
internal import Reactor
internal import Wire

extension SocketAddress {
  /// Who is at this address.
  var clientPeer: ClientPeer {
    let bytes = bytes
    return IPAddress(bytes: bytes.span).map { .address($0) } ?? .unixSocket
  }
}
