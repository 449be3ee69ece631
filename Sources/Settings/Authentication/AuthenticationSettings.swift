/// How clients prove who they are.
public struct AuthenticationSettings: Sendable, Equatable {
  /// With a JSON Web Token; `nil` where nobody is asked for one.
  public var jwt: JWTSettings?

  /// By a service that is asked; `nil` where none is.
  public var authorize: AuthorizeSettings?

  /// Puts authentication settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - jwt: how, with a JSON Web Token.
  ///   - authorize: by which service.
  public init(jwt: JWTSettings? = nil, authorize: AuthorizeSettings? = nil) {
    self.jwt = jwt
    self.authorize = authorize
  }
}

extension AuthenticationSettings {
  /// Reads how clients prove who they are; an empty mapping asks nobody, which is how one route opens itself.
  init(_ reader: SettingsReader, upstreams: [String]?) {
    self.init(
      jwt: reader.optionalSection("jwt", "With a JSON Web Token, signed with a key of the file keys or secret.") {
        JWTSettings($0)
      },
      authorize: reader.optionalSection("authorize", "By a service that is asked about every client.") {
        AuthorizeSettings($0, upstreams: upstreams)
      })
  }
}
