internal import Reactor
internal import Settings

extension SocketOptions {
  /// How clients are treated.
  init(_ clients: ClientSettings) {
    // A little longer than our own limit, which says in the log what happened.
    self.init(
      keepalive: clients.tcpKeepalive, unacknowledged: clients.sendTimeout + .seconds(5),
      unsentBytes: clients.unsentSizeBytes)
  }
}
