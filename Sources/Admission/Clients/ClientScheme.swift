/// The scheme by which a client reached the first proxy, or the gateway itself.
public enum ClientScheme: String, Sendable {
  /// Unencrypted.
  case http
  /// Over TLS.
  case https

  /// Reads the value of `X-Forwarded-Proto` or of a `proto` parameter; `nil` for every other scheme.
  public init?(_ text: String) {
    self.init(rawValue: text.lowercased())
  }
}
