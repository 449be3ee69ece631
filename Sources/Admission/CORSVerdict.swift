/// What the CORS policy of a route says about one request.
public enum CORSVerdict: Sendable, Equatable {
  /// The request comes from the gateway's own origin or from no page at all; the answer needs no CORS field but `Vary`.
  case sameOrigin
  /// Another origin may have the answer, if it carries these fields.
  case allowed(CORSGrant)
  /// A preflight; answer it with these fields and nothing else (204), without asking an upstream.
  case preflight(CORSGrant)
  /// Nobody may have an answer; refuse with 403 before an upstream is contacted.
  case refused(CORSRefusal)
}
