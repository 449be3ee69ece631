internal import Bytes
internal import Crypto
internal import Wire

/// One key of a JWK Set (RFC 7517 §4), on its way to become a `TokenKey`.
struct JSONWebKey {
  private let members: JSONObject
  private let place: String

  /// The keys of a JWK Set.
  ///
  /// Keys of kinds, curves, algorithms and uses that are not ours are passed over (RFC 7517 §5); one that claims to be
  /// ours and is not usable is an error, because an operator who put it there expects it to work.
  ///
  /// - Parameter text: the set as JSON, at most 1 MiB.
  /// - Returns: the keys in their order.
  /// - Throws: `KeyFileError`, naming the key.
  static func keys(inSet text: Span<UInt8>) throws(KeyFileError) -> [TokenKey] {
    let set: JSONValue
    do throws(JSONViolation) {
      set = try JSONValue(parsing: text, maxDepth: 8)
    } catch {
      throw .json(error)
    }
    guard let items = set.object?["keys"]?.list else { throw .noKeyList }
    guard items.count <= KeySet.maximumKeys else { throw .tooManyKeys }
    var keys: [TokenKey] = []
    var names: [SignatureAlgorithm: Set<[UInt8]>] = [:]
    for (index, item) in items.enumerated() {
      guard let members = item.object else { throw .member(name: "kty", place: "keys[\(index)]") }
      let webKey = JSONWebKey(members: members, place: place(of: members, index))
      guard let key = try webKey.key() else { continue }
      if let id = key.id, !names[key.key.algorithm, default: []].insert(id).inserted {
        throw .repeatedID(place: webKey.place)
      }
      keys.append(key)
    }
    return keys
  }

  /// How errors name a key: by its number and, escaped and cut, its name.
  private static func place(of members: JSONObject, _ index: Int) -> String {
    guard let id = members["kid"]?.string else { return "keys[\(index)]" }
    let shown = String(decoding: id, as: UTF8.self).unicodeScalars.prefix(80).map { $0.escaped(asASCII: true) }
    return "keys[\(index)], kid \"\(shown.joined())\""
  }

  /// The key; `nil` where it is none of ours.
  private func key() throws(KeyFileError) -> TokenKey? {
    guard let kind = try text("kty") else { throw .member(name: "kty", place: place) }
    guard try isForVerifying() else { return nil }
    // Not read where the kind is another, because there the other members may mean something else.
    let key: VerificationKey? =
      switch kind {
      case "RSA": try rsa()
      case "EC": try ellipticCurve()
      case "OKP": try edwardsCurve()
      case "oct": try secret()
      default: nil
      }
    guard let key else { return nil }
    return TokenKey(id: try bytes("kid"), key: key)
  }

  /// RFC 7517 §4.2 and §4.3.
  private func isForVerifying() throws(KeyFileError) -> Bool {
    if let use = try text("use"), use != "sig" { return false }
    guard let operations = members["key_ops"] else { return true }
    guard let list = operations.list else { throw .member(name: "key_ops", place: place) }
    return list.contains(.string(Array("verify".utf8)))
  }

  /// Whether the key is for this algorithm, as it is where it does not say for which (RFC 7517 §4.4).
  private func isFor(_ algorithm: SignatureAlgorithm) throws(KeyFileError) -> Bool {
    guard let name = try text("alg") else { return true }
    return name == algorithm.rawValue
  }

  /// RFC 7518 §6.3.
  private func rsa() throws(KeyFileError) -> VerificationKey? {
    guard try isFor(.rs256) else { return nil }
    let (modulus, exponent) = (try number("n"), try number("e"))
    return try publicKey { () throws(CryptoError) in
      try PublicKey(rsaModulus: modulus.span, exponent: exponent.span)
    }
  }

  /// RFC 7518 §6.2.
  private func ellipticCurve() throws(KeyFileError) -> VerificationKey? {
    guard let curve = try text("crv") else { throw .member(name: "crv", place: place) }
    guard curve == "P-256", try isFor(.es256) else { return nil }
    let (x, y) = (try number("x"), try number("y"))
    return try publicKey { () throws(CryptoError) in try PublicKey(p256X: x.span, y: y.span) }
  }

  /// RFC 8037 §2.
  private func edwardsCurve() throws(KeyFileError) -> VerificationKey? {
    guard let curve = try text("crv") else { throw .member(name: "crv", place: place) }
    guard curve == "Ed25519", try isFor(.edDSA) else { return nil }
    let x = try number("x")
    return try publicKey { () throws(CryptoError) in try PublicKey(ed25519: x.span) }
  }

  /// RFC 7518 §6.4.
  private func secret() throws(KeyFileError) -> VerificationKey? {
    guard try isFor(.hs256) else { return nil }
    let bytes = try number("k")
    do throws(CryptoError) { return .secret(try SharedSecret(bytes.span)) } catch { throw .key(error, place: place) }
  }

  /// A private key, which says so by its `d`, is refused even though half of it would do.
  private func publicKey(_ make: () throws(CryptoError) -> PublicKey) throws(KeyFileError) -> VerificationKey {
    do throws(CryptoError) {
      guard members["d"] == nil else { throw .privateKey }
      return .publicKey(try make())
    } catch {
      throw .key(error, place: place)
    }
  }
}

// Members.
extension JSONWebKey {
  private func bytes(_ name: StaticString) throws(KeyFileError) -> [UInt8]? {
    guard let value = members[name] else { return nil }
    guard let bytes = value.string else { throw .member(name: "\(name)", place: place) }
    return bytes
  }

  private func text(_ name: StaticString) throws(KeyFileError) -> String? {
    try bytes(name).map { String($0.span) }
  }

  /// A number or a string of bytes, in base64url.
  private func number(_ name: StaticString) throws(KeyFileError) -> [UInt8] {
    guard let text = try bytes(name), let number = Base64URL.decoded(text.span), !number.isEmpty else {
      throw .member(name: "\(name)", place: place)
    }
    return number
  }
}
