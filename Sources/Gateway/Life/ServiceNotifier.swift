internal import Glibc
internal import Reactor

/// Tells systemd how the service is: one datagram, no library.
///
/// sd_notify(3).
public struct ServiceNotifier: Sendable {
  private let address: SocketAddress?

  /// - Parameter path: `NOTIFY_SOCKET`; without it nobody is told.
  public init(_ path: String?) {
    address = path.flatMap { SocketAddress(unix: $0) }
  }

  /// Sends one state, such as `READY=1`.
  ///
  /// A service manager that does not listen is not our fault.
  public func notify(_ state: String) {
    address?.sendDatagram(Array(state.utf8))
  }
}
