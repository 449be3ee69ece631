/// How a client's TLS handshake went; the word for metrics, and in logs together with `handshake`.
public enum HandshakeOutcome: String, Sendable, CaseIterable {
  /// With certificates.
  case full
  /// With the ticket of an earlier session.
  case resumed
  /// Not at all: no TLS, nothing in common, or no certificate that is believed.
  case failed
  /// Not within `listen[].tls.handshake_timeout`.
  case timeout
  /// It was not begun: the client has begun too many (`listen[].tls.handshakes`).
  case limited
}
