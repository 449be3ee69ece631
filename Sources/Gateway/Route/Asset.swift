internal import Admission
internal import Browser
internal import Crypto
internal import Wire

/// One file that the gateway itself serves.
public struct Asset: Sendable {
  /// The path it is served at.
  public var path: String
  /// Its media type.
  public var contentType: String
  /// What it holds.
  public var bytes: [UInt8]
  /// What of it changes when its bytes do (RFC 9110 §8.8.3), quotes included.
  let entityTag: String
  /// Whether pages of every origin may load it.
  let isOpen: Bool

  /// The Content-Security-Policy: a page loads from its own origin only.
  let policy: String

  /// A file of a page that the gateway serves, by its path.
  ///
  /// - Parameters:
  ///   - path: the path it is served at.
  ///   - contentType: its media type.
  ///   - bytes: what it holds.
  ///   - connectsTo: where its scripts may open connections beside its own origin, as CSP Level 3 writes sources.
  public init(path: String, contentType: String, bytes: [UInt8], connectsTo: [String] = []) {
    let connections = connectsTo.isEmpty ? "" : "; connect-src 'self' \(connectsTo.joined(separator: " "))"
    self.init(
      path: path, contentType: contentType, bytes: bytes, isOpen: false, policy: "default-src 'self'\(connections)")
  }

  private init(path: String, contentType: String, bytes: [UInt8], isOpen: Bool, policy: String = "") {
    self.policy = policy
    self.path = path
    self.contentType = contentType
    self.bytes = bytes
    self.isOpen = isOpen
    entityTag = Self.entityTag(of: bytes)
  }

  /// The client library, which every gateway serves: nothing in it is anybody's secret.
  static let clientLibrary = ClientLibrary.files.map { file in
    Asset(path: file.path, contentType: file.contentType, bytes: file.bytes, isOpen: true)
  }

  /// Who may load it.
  var cors: CORSPolicy { isOpen ? .anyOrigin : .sameOriginOnly }

  /// The answer to a request: `304` for who has it already.
  func response(to head: RequestHead) -> Response {
    let known = head.fields.string(.ifNoneMatch) ?? ""
    var answer = ResponseHead(status: isNamed(in: known) ? 304 : 200)
    answer.fields.append("ETag", entityTag)
    // It is asked for again each time, and costs a head where it is the same: it belongs to this very gateway.
    answer.fields.append("Cache-Control", "no-cache")
    if answer.status == 304 { return Response(answer) }
    answer.fields.append("Content-Type", contentType)
    answer.fields.append("X-Content-Type-Options", "nosniff")
    if isOpen {
      answer.fields.append("Cross-Origin-Resource-Policy", "cross-origin")
    } else {
      answer.fields.append("Content-Security-Policy", policy)
    }
    return Response(answer, body: bytes)
  }

  /// Whether a list of entity tags has this one (RFC 9110 §13.1.2): a weak comparison.
  private func isNamed(in list: String) -> Bool {
    list == "*"
      || list.split(separator: ",").contains { item in
        let tag = item.drop { $0 == " " || $0 == "\t" }
        let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        return strong.hasPrefix(entityTag)
      }
  }

  private static func entityTag(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    // Half of a digest tells any two files apart.
    let text = SHA256(of: bytes.span).bytes.prefix(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "\"\(String(text))\""
  }
}
