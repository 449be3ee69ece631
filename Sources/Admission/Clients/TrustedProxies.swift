public import Wire

/// Who is believed when it says for whom it asks: the proxies in front of the gateway, and those in front of them.
public struct TrustedProxies: Sendable, Equatable {
  /// The addresses of those proxies.
  public let addresses: AddressList
  /// Whether peers on a Unix socket are such proxies.
  public let includesUnixSockets: Bool

  /// Nobody is believed: a client is who it connects as.
  public static let none = TrustedProxies([])

  /// Takes the entries of a list.
  public init(_ proxies: [TrustedProxy]) {
    addresses = AddressList(
      proxies.compactMap { proxy in
        if case .addresses(let range) = proxy { range } else { nil }
      })
    includesUnixSockets = proxies.contains(.unixSocket)
  }

  /// Whether nobody is believed.
  public var isEmpty: Bool { addresses.ranges.isEmpty && !includesUnixSockets }

  /// Whether a proxy that was named by another one is believed.
  public func contains(_ address: IPAddress) -> Bool {
    addresses.contains(address)
  }

  /// Whether a peer is believed.
  ///
  /// On a listener that expects a PROXY header, a peer that is not must be refused before the header is read.
  ///
  /// - Parameter peer: who connected.
  /// - Returns: whether what it says about its client counts.
  public func contains(_ peer: ClientPeer) -> Bool {
    switch peer {
    case .address(let address): contains(address)
    case .unixSocket: includesUnixSockets
    case .unnamed: false
    }
  }
}
