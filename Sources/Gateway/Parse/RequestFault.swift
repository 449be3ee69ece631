internal import Wire

/// Why received bytes are not a request that is taken, with the status that says so.
enum RequestFault: Error, CustomStringConvertible {
  /// The syntax is wrong, or a bound of the head was exceeded.
  case violation(HTTPViolation)
  /// The connection does not begin with the header that its listener expects.
  case proxyHeader(ProxyViolation)
  /// The body is larger than `clients.body_size`.
  case bodyTooLarge(given: UInt64, allowed: Int)

  var status: Int {
    switch self {
    case .violation(let violation): violation.status
    case .proxyHeader: 400
    case .bodyTooLarge: 413
    }
  }

  var description: String {
    switch self {
    case .violation(let violation): violation.reason + setting(of: violation)
    case .proxyHeader(let violation): violation.reason
    case .bodyTooLarge(let given, let allowed):
      "the body has at least \(given) bytes, allowed are \(allowed) (clients.body_size)"
    }
  }

  private func setting(of violation: HTTPViolation) -> String {
    switch violation {
    case .headTooLarge: " (clients.head_size)"
    case .targetTooLong: " (clients.uri_size)"
    default: ""
    }
  }
}
