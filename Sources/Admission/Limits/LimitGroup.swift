/// What a claim is about; each limit counts the claims of one group.
public enum LimitGroup: Int, CaseIterable, Sendable {
  /// A client's connection, claimed when it is accepted.
  case connection
  /// A client's event stream, claimed when its request has found a route.
  case stream
  /// A request to an upstream, claimed when one is needed.
  case upstream
  /// A request to one endpoint of it, claimed when that is chosen.
  case endpoint
}
