internal import Bytes
public import Wire

/// Who the client of a request is, as far as it is known from somebody who is believed.
public struct ClientAddress: Sendable, Equatable {
  /// The client, and the proxies from there to the peer, the peer included; empty where the only one is on this machine.
  ///
  /// *Bound*: `mostHops` and the peer.
  public let chain: [IPAddress]
  /// The scheme by which the client came; `nil` where no trusted proxy told.
  public let scheme: ClientScheme?
  /// The host and port that the client asked for, in lower case; `nil` where no trusted proxy told.
  public let authority: String?

  /// How many addresses a request's fields are searched for.
  public static let mostHops = 32

  /// The client's address; `nil` for one on this machine.
  public var address: IPAddress? { chain.first }

  /// Finds out from whom a request comes.
  ///
  /// From the peer on, a trusted one is asked whom it got the request from; the first that is not trusted is the client,
  /// and what it says itself is not looked at. Where a trusted one does not tell, or not in an address, it is the client
  /// itself, and so is the last one after `mostHops`.
  ///
  /// Of `X-Forwarded-Proto` and `X-Forwarded-Host` the last value counts: nothing ties the others to an address. Of the
  /// `proto` and `host` of `Forwarded` those nearest to the client do.
  ///
  /// - Parameters:
  ///   - peer: who connected.
  ///   - fields: the fields of the request.
  ///   - trusted: who is believed.
  ///   - source: in which field; the others are as if they were not there.
  /// - Returns: the client, and the way from there.
  public static func resolve(
    peer: ClientPeer, fields: FieldSection, trusted: TrustedProxies, source: ClientAddressSource
  ) -> ClientAddress {
    var chain = peer.address.map { [$0] } ?? []
    guard trusted.contains(peer) else { return ClientAddress(chain: chain, scheme: nil, authority: nil) }
    var scheme: ClientScheme?
    var authority: String?
    if source == .xForwardedFor {
      scheme = fields.lastElement(of: .xForwardedProto).flatMap { Self.scheme(fields.bytes.span.extracting($0)) }
      authority = fields.lastElement(of: .xForwardedHost).flatMap { Self.authority(fields.bytes.span.extracting($0)) }
    }
    var hops = ForwardedHops(source.fieldName, in: fields)
    for _ in 0..<mostHops {
      guard let hop = hops.next(in: fields) else { break }
      if let proto = hop.proto { scheme = Self.scheme(proto.span) ?? scheme }
      if let host = hop.host { authority = Self.authority(host.span) ?? authority }
      guard case .address(let address) = hop.node else { break }
      chain.append(address)
      guard trusted.contains(address) else { break }
    }
    return ClientAddress(chain: chain.reversed(), scheme: scheme, authority: authority)
  }

  private static func scheme(_ text: Span<UInt8>) -> ClientScheme? {
    text.count <= 5 ? ClientScheme(String(text)) : nil
  }

  private static func authority(_ text: Span<UInt8>) -> String? {
    // A name of 253 bytes and a port.
    guard text.count <= 260, let authority = Authority(String(text)) else { return nil }
    return "\(authority.host)\(authority.port.map { ":\($0)" } ?? "")"
  }
}
