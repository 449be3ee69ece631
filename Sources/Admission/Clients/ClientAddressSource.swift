public import Wire

/// The field in which trusted proxies say for whom they ask.
///
/// Only one is believed. A proxy that writes one of them passes the other on as the client sent it.
public enum ClientAddressSource: String, CaseIterable, Sendable {
  /// `X-Forwarded-For`, with `X-Forwarded-Proto` and `X-Forwarded-Host`.
  case xForwardedFor = "x-forwarded-for"
  /// `Forwarded` (RFC 7239).
  case forwarded

  /// The name of the field that lists addresses.
  public var fieldName: FieldName {
    switch self {
    case .xForwardedFor: .xForwardedFor
    case .forwarded: .forwarded
    }
  }
}
