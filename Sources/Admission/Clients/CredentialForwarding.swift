/// Which of a client's credentials reach the upstream of a route.
public struct CredentialForwarding: Sendable, Equatable {
  /// Whether `Authorization` does.
  public let authorization: Bool
  /// Which cookies do.
  public let cookies: CookieFilter

  /// None of them.
  public static let none = CredentialForwarding(authorization: false, cookies: .none)
  /// All of them, as they came.
  public static let all = CredentialForwarding(authorization: true, cookies: .pass)

  /// Puts a choice together.
  ///
  /// - Parameters:
  ///   - authorization: whether `Authorization` passes.
  ///   - cookies: which cookies pass.
  public init(authorization: Bool, cookies: CookieSelection) {
    self.authorization = authorization
    self.cookies = CookieFilter(cookies)
  }
}
