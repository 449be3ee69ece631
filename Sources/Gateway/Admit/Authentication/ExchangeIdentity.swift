internal import Settings

/// Who asks, and what goes with it, once that was found out.
struct ExchangeIdentity: Sendable {
  /// Who it is to the gateway; `nil` where it shows no identity and none is asked for.
  var principal: Principal?
  /// The second since 1970 at which its stream ends; `nil` for none.
  var expires: Int?
  /// The `Authorization` of the request that got the ticket, for upstreams that are to see it.
  var authorization: [UInt8]?
  /// The ticket it came with.
  var ticket: Ticket?
  /// What was asked of whoever got the ticket: it lets in where the same is asked.
  var proof: AuthenticationSettings?
  /// Whether an authorization service was asked.
  var isAuthorized = false
}
