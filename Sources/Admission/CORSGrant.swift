/// The response fields that let a page of another origin have an answer.
public struct CORSGrant: Sendable, Equatable {
  /// What only a preflight's answer carries.
  struct Preflight: Sendable, Equatable {
    var methods: String
    var headers: String
    var maxAgeSeconds: Int64
    var allowsPrivateNetwork: Bool
  }

  /// The origin as it was asked for, or `*`.
  let origin: String
  let credentials: Bool
  let exposedHeaders: String
  /// `nil` for the answer to the request itself.
  let preflight: Preflight?

  /// The fields in the order to send them, without `Vary`, which is the same for every answer.
  public var fields: [(name: StaticString, value: String)] {
    var fields: [(name: StaticString, value: String)] = [("Access-Control-Allow-Origin", origin)]
    if credentials { fields.append(("Access-Control-Allow-Credentials", "true")) }
    guard let preflight else {
      fields.append(("Access-Control-Expose-Headers", exposedHeaders))
      return fields
    }
    fields.append(("Access-Control-Allow-Methods", preflight.methods))
    fields.append(("Access-Control-Allow-Headers", preflight.headers))
    fields.append(("Access-Control-Max-Age", String(preflight.maxAgeSeconds)))
    if preflight.allowsPrivateNetwork { fields.append(("Access-Control-Allow-Private-Network", "true")) }
    return fields
  }
}
