public import Wire

/// Who is at the other end of a connection.
public enum ClientPeer: Sendable, Hashable {
  /// Somebody with this address: the socket's own, or the one that a PROXY header gave.
  case address(IPAddress)
  /// Somebody on this machine.
  case unixSocket
  /// Somebody whose address its proxy did not know; the value is the proxy's address, `nil` for one on this machine.
  ///
  /// It counts as the proxy in limits and logs, but nothing it says is believed: only the connection is the proxy's.
  case unnamed(behind: IPAddress?)

  /// The address that this peer counts under, `nil` for one on this machine.
  public var address: IPAddress? {
    switch self {
    case .address(let address): address
    case .unixSocket: nil
    case .unnamed(let proxy): proxy
    }
  }

  /// Who the peer is after the PROXY header of a proxy that is trusted.
  ///
  /// - Parameter header: what the connection began with.
  /// - Returns: the client that the header names, this peer for a connection of the proxy's own.
  public func speakingFor(_ header: ProxyHeader) -> ClientPeer {
    switch header.source {
    case .proxy: self
    case .client(let address, _): .address(address)
    case .unknown: .unnamed(behind: address)
    }
  }
}
