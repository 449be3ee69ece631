internal import Bytes

/// A URL that clients ask for: where to connect, what the Host field says, what is asked for.
struct Target: Equatable, Sendable {
  /// As it was given.
  let text: String
  /// Name or numeric address, lower case, without brackets.
  let host: String
  let port: UInt16
  /// Path and query.
  let path: Template

  /// The host as a Host field has it, without the port.
  var domain: String { host.contains(":") ? "[\(host)]" : host }

  /// Reads a URL.
  ///
  /// - Throws: `LoadError.usage`; only `http://` is spoken.
  init(_ text: String) throws(LoadError) {
    let option = OptionReader(option: "URL")
    guard !text.lowercased().hasPrefix("https://") else {
      throw option.refuse(text, allowed: "http://, for https is not spoken yet; put a TLS endpoint in front")
    }
    let form = "http://HOST[:PORT][/PATH][?QUERY] in printable ASCII, without user and fragment"
    guard text.lowercased().hasPrefix("http://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#")
    else { throw option.refuse(text, allowed: form) }
    let rest = text.dropFirst(7)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard let (host, port) = Self.split(authority) else { throw option.refuse(text, allowed: form) }
    self.text = text
    self.host = host
    self.port = port
    let path = String(rest.dropFirst(authority.count))
    self.path = Template(path.hasPrefix("/") ? path : "/" + path)
  }

  private static func split(_ authority: Substring) -> (host: String, port: UInt16)? {
    guard !authority.contains("@") else { return nil }
    var host = authority
    var port: UInt16 = 80
    let colon = authority.lastIndex(of: ":")
    if let colon, authority[colon...].contains("]") == false {
      guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
      host = authority[..<colon]
      port = number
    }
    let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
    if isLiteral { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, isLiteral == host.contains(":") else { return nil }
    return (host.lowercased(), port)
  }
}
