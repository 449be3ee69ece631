internal import Admission
internal import Bytes
internal import Crypto
internal import Settings
internal import Wire

/// Who a client is to the gateway: the digest of what identifies it.
///
/// A run belongs to the one that began it.
struct Principal: Hashable, Sendable {
  private let digest: SHA256

  /// The principal of a request; `nil` for a client that shows none of the configured fields and cookies.
  init?(_ fields: FieldSection, _ identity: IdentitySettings) {
    var shown: [UInt8] = []
    for name in identity.headers { Self.append(fields, header: name, to: &shown) }
    if !identity.cookies.isEmpty { Self.append(fields, cookies: identity.cookies, to: &shown) }
    guard !shown.isEmpty else { return nil }
    digest = SHA256(of: shown.span)
  }

  /// Who the credentials are whose that a route passes on; `nil` where it passes none, or the request has none.
  init?(forwarded: CredentialForwarding, of fields: FieldSection) {
    var shown: [UInt8] = []
    if forwarded.authorization { Self.append(fields, header: "authorization", to: &shown) }
    if let cookies = forwarded.cookies.value(from: fields) { shown.append(contentsOf: cookies) }
    guard !shown.isEmpty else { return nil }
    digest = SHA256(of: shown.span)
  }

  /// A principal by the name that somebody who is believed gives it.
  ///
  /// - Parameters:
  ///   - subject: its name.
  ///   - issuer: who gives it.
  init(subject: [UInt8], of issuer: [UInt8]?) {
    var shown = Array("subject".utf8)
    for part in [issuer ?? [], subject] {
      // Its length before each part: no two pairs are written alike.
      shown.append(0)
      shown.append(contentsOf: "\(part.count)".utf8)
      shown.append(0)
      shown.append(contentsOf: part)
    }
    digest = SHA256(of: shown.span)
  }

  /// A principal that was kept as the bytes of its digest.
  init?(_ bytes: [UInt8]) {
    guard let digest = SHA256(bytes) else { return nil }
    self.digest = digest
  }

  /// The digest.
  var bytes: [UInt8] { digest.bytes }

  /// Name and value, with an end that neither can contain.
  private static func append(_ name: Span<UInt8>, _ value: Span<UInt8>, to shown: inout [UInt8]) {
    shown.append(name)
    shown.append(0)
    shown.append(value)
    shown.append(0)
  }

  private static func append(_ fields: FieldSection, header name: String, to shown: inout [UInt8]) {
    let wanted = Array(name.utf8)
    let bytes = fields.bytes
    for index in 0..<fields.count {
      let field = fields[index]
      guard field.nameRange.count == wanted.count,
        bytes[field.nameRange].lazy.map(ASCII.lowercased).elementsEqual(wanted)
      else { continue }
      append(wanted.span, bytes.span.extracting(field.valueRange), to: &shown)
    }
  }

  /// The named cookies in the order of the setting, since browsers may send them in another (RFC 6265 §5.4).
  private static func append(_ fields: FieldSection, cookies names: [String], to shown: inout [UInt8]) {
    var pairs: [(name: Substring, value: Substring)] = []
    for index in 0..<fields.count where fields[index].name == .cookie {
      let text = String(fields.bytes.span.extracting(fields[index].valueRange))
      for pair in text.split(separator: ";") {
        let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { pairs.append((parts[0], parts[1])) }
      }
    }
    for name in names {
      for pair in pairs where pair.name == name {
        append(Array("cookie \(name)".utf8).span, Array(pair.value.utf8).span, to: &shown)
      }
    }
  }
}
