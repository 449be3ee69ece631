/// What was wrong with values that somebody configured; requests are answered with a `CORSRefusal` instead.
///
/// The settings reader turns each into a problem with its file, line and key.
public enum AdmissionError: Error, Equatable {
  /// A text is no origin pattern; `allowed` says what would have been one.
  case origin(given: String, allowed: String)
  /// Every origin is listed and credentials are allowed, which would open each user's session to any page.
  case anyOriginWithCredentials
  /// A text is not the name of one header field (RFC 9110 §5.1).
  case headerName(given: String)
  /// A preflight's answer cannot be kept for less than no time.
  case negativeMaxAge(given: Duration)
}

extension AdmissionError {
  /// What was found, as a person wrote it.
  public var given: String {
    switch self {
    case .origin(let given, _), .headerName(let given): "\"\(given)\""
    case .anyOriginWithCredentials: "origin * together with credentials"
    case .negativeMaxAge(let given): "\(given)"
    }
  }

  /// What would have been accepted instead.
  public var allowed: String {
    switch self {
    case .origin(_, let allowed): allowed
    case .anyOriginWithCredentials: "credentials only for listed origins, or * without credentials"
    case .headerName: "the name of one header field, such as X-Request-Id (no *)"
    case .negativeMaxAge: "0s or more"
    }
  }
}

extension AdmissionError: CustomStringConvertible {
  /// What was given and what is allowed.
  public var description: String { "given \(given), allowed: \(allowed)" }
}
