import Reactor

/// Where everything listens: on this machine alone.
enum Loopback {
  /// Binds a port that the kernel chooses.
  ///
  /// - Throws: `SystemError` where none is to be had.
  static func listen() throws(SystemError) -> ListeningSocket {
    guard let address = SocketAddress(numeric: "127.0.0.1", port: 0) else { throw .invalidAddress }
    return try ListeningSocket(address, options: SocketOptions(unacknowledged: .seconds(30)))
  }

  /// One of many addresses to connect from: each has all the ports, of which one alone may have too few.
  static func source(_ number: Int) -> SocketAddress? {
    SocketAddress(numeric: "127.0.0.\(2 + number % 64)", port: 0)
  }
}
