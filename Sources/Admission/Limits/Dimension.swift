/// What a limit tells claimants apart by.
///
/// `client` is a `ClientKey`; a request that has no value for a dimension counts with all others that have none.
public enum Dimension: String, CaseIterable, Sendable {
  /// The registered host that the client came to.
  case domain
  /// The address that the client came from.
  case client
  /// The origin of the page that asks.
  case origin
  /// Who the client is to the gateway.
  case principal
  /// The route that serves the request.
  case route
  /// The pool of orchestrators that is asked.
  case upstream
  /// The one orchestrator that is asked.
  case endpoint

  /// How many there are.
  static let count = 7

  /// Its place among the digests of a subject.
  var index: Int {
    switch self {
    case .domain: 0
    case .client: 1
    case .origin: 2
    case .principal: 3
    case .route: 4
    case .upstream: 5
    case .endpoint: 6
    }
  }
}
