internal import Admission
internal import Logging
internal import Settings
internal import Wire

/// Judges the JSON Web Tokens of the routes that share one setting.
///
/// - Owner: the worker's route table.
/// - Thread: the worker's.
final class TokenGate {
  let settings: JWTSettings
  private var ring: KeyRing?
  private let logger: Logger?

  /// - Parameters:
  ///   - settings: which keys and claims.
  ///   - now: seconds since 1970.
  ///   - logger: where changes of the files are told; `nil` on all workers but one.
  init(_ settings: JWTSettings, now: Int, logger: Logger?) {
    self.settings = settings
    self.logger = logger
    do throws(KeyRing.Failure) {
      ring = try KeyRing(
        keyFile: settings.keyFile, secretFile: settings.secretFile, algorithms: settings.algorithms, now: now)
    } catch {
      logger?.error("keys_refused", metadata: ["file": "\(error.path)", "error": "\(error.error)"])
    }
  }

  /// Judges a request.
  ///
  /// - Returns: who it is, or the answer that says why nobody is let in.
  func judge(_ head: RequestHead, now: Int) -> Result<ExchangeIdentity, Denial> {
    refresh(now: now)
    guard let ring else {
      return .failure(Denial(Problem.response(status: 503, detail: "the keys for tokens can't be read")))
    }
    let token: [UInt8]
    do throws(TokenRefusal) {
      token = try settings.sources.token(in: head.fields, query: head.query.span)
    } catch {
      return .failure(Denial(error))
    }
    switch settings.rule.judge(token.span, with: ring.keys, now: now) {
    case .accepted(let identity):
      return .success(
        ExchangeIdentity(
          principal: Principal(subject: identity.subject, of: identity.issuer),
          expires: settings.endsStream ? identity.expires : nil))
    case .refused(let refusal):
      return .failure(Denial(refusal))
    }
  }

  private func refresh(now: Int) {
    guard ring != nil else {
      ring = try? KeyRing(
        keyFile: settings.keyFile, secretFile: settings.secretFile, algorithms: settings.algorithms, now: now)
      return
    }
    for change in ring?.refresh(now: now) ?? [] {
      switch change {
      case .reloaded(let path, let keys):
        logger?.info("keys_reloaded", metadata: ["file": "\(path)", "keys": "\(keys)"])
      case .refused(let path, let error):
        logger?.error("keys_refused", metadata: ["file": "\(path)", "error": "\(error)"])
      }
    }
  }
}

/// Why somebody is not let in, as an answer.
struct Denial: Error, Sendable {
  let response: Response

  init(_ response: Response) {
    self.response = response
  }

  init(_ refusal: TokenRefusal) {
    var response = Problem.response(
      status: refusal.status, detail: "\(refusal)", reason: .unauthenticated, members: [("error", "\(refusal.word)")])
    response.head.fields.append("WWW-Authenticate", refusal.challenge)
    self.response = response
  }

  /// Whoever does not prove who it is by anything but a token.
  init(detail: String, error: String) {
    var response = Problem.response(
      status: 401, detail: detail, reason: .unauthenticated, members: [("error", error)])
    // RFC 9110 §15.5.2 wants a challenge with every 401.
    response.head.fields.append("WWW-Authenticate", "Bearer realm=\"sluice\"")
    self.response = response
  }

  /// Whoever comes with a ticket that is none, or none any more.
  static let ticket = Denial(
    detail: "the ticket was used before, has expired, or was never given out", error: "ticket_invalid")

  /// Whoever came with a token that has expired since.
  static let expired: Denial = {
    var response = Denial(TokenRefusal.expired).response
    response.reason = .tokenExpired
    return Denial(response)
  }()
}
