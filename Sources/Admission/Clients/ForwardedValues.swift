internal import Wire

/// What an upstream is told of the client: the values of the fields that proxies write.
///
/// They are made of what is believed alone. What a client invented stays here, also where it stood in front of what
/// trusted proxies wrote, since many take the first address of such a list for the client's.
public struct ForwardedValues: Sendable, Equatable {
  /// The value of `X-Forwarded-For`: the client, and the proxies up to the gateway's peer; `nil` for a client on this
  /// machine.
  public let forwardedFor: String?
  /// The value of `X-Forwarded-Proto`.
  public let proto: String
  /// The value of `X-Forwarded-Host`; `nil` where the client named no host.
  public let host: String?
  /// The value of `Forwarded` (RFC 7239): the same addresses, the first with scheme and host.
  public let forwarded: String

  /// Makes the values for one request.
  ///
  /// - Parameters:
  ///   - client: from whom it comes.
  ///   - scheme: the scheme by which the peer came, for a client that no trusted proxy told one of.
  ///   - authority: the same for host and port; empty where there is none.
  public init(_ client: ClientAddress, scheme: ClientScheme, authority: String) {
    let host = client.authority ?? authority
    forwardedFor = client.chain.isEmpty ? nil : client.chain.map(\.description).joined(separator: ", ")
    proto = (client.scheme ?? scheme).rawValue
    self.host = host.isEmpty ? nil : host
    let nodes = client.chain.map { $0.isIPv4 ? "for=\($0)" : "for=\"[\($0)]\"" }
    var elements = nodes.isEmpty ? ["for=unknown"] : nodes
    elements[0] += ";proto=\(proto)" + (host.isEmpty ? "" : ";host=\(ForwardedValues.quoted(host))")
    forwarded = elements.joined(separator: ", ")
  }

  /// A text as a quoted string (RFC 9110 §5.6.4).
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for character in text {
      if character == "\"" || character == "\\" { quoted.append("\\") }
      quoted.append(character)
    }
    return quoted + "\""
  }
}
