internal import Bytes

/// Whom a proxy says it got a request from (RFC 7239 §6).
public enum ForwardedNode: Equatable, Sendable {
  /// A host with this address; its port, if there was one, is of no use here.
  case address(IPAddress)
  /// The word `unknown`: the proxy does not know.
  case unknown
  /// An identifier such as `_hidden`: the proxy does not tell.
  case obfuscated

  /// Reads a node of `Forwarded`, unquoted: IPv6 addresses stand in brackets.
  ///
  /// - Parameter text: the value of a `for` parameter.
  public init?(_ text: Span<UInt8>) {
    guard let end = ForwardedNode.nameEnd(in: text) else { return nil }
    self.init(name: text.extracting(..<end))
  }

  /// Reads an element of `X-Forwarded-For`, which no standard describes: as above, or an IPv6 address without brackets.
  ///
  /// - Parameter text: the element.
  public init?(listed text: Span<UInt8>) {
    if let address = IPAddress(text) {
      self = .address(address)
    } else {
      self.init(text)
    }
  }

  private init?(name: Span<UInt8>) {
    guard !name.isEmpty else { return nil }
    if name[0] == UInt8(ascii: "[") {
      guard let address = IPAddress(ipv6Text: name.extracting(1..<name.count - 1)) else { return nil }
      self = .address(address)
    } else if name[0] == UInt8(ascii: "_") {
      guard ForwardedNode.isObfuscated(name) else { return nil }
      self = .obfuscated
    } else if name.equalsIgnoringCase("unknown") {
      self = .unknown
    } else {
      guard let address = IPAddress(ipv4Text: name) else { return nil }
      self = .address(address)
    }
  }

  /// Where the name ends before a port or the end; `nil` where what follows is neither.
  private static func nameEnd(in text: Span<UInt8>) -> Int? {
    var end = 0
    if !text.isEmpty, text[0] == UInt8(ascii: "[") {
      guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      end = bracket + 1
    } else {
      end = text.firstIndex(of: ASCII.colon) ?? text.count
    }
    if end == text.count { return end }
    guard text[end] == ASCII.colon, isPort(text.extracting((end + 1)...)) else { return nil }
    return end
  }

  private static func isPort(_ text: Span<UInt8>) -> Bool {
    if !text.isEmpty, text[0] == UInt8(ascii: "_") { return isObfuscated(text) }
    guard (1...5).contains(text.count) else { return false }
    var port = 0
    for index in text.indices {
      guard let digit = ASCII.digit(text[index]) else { return false }
      port = port * 10 + digit
    }
    return port <= 65535
  }

  /// Whether these are an underscore and at least one letter, digit, dot, underscore or hyphen (RFC 7239 §6.3).
  private static func isObfuscated(_ text: Span<UInt8>) -> Bool {
    for index in 1..<max(text.count, 1) {
      let byte = text[index]
      let isLetter = ASCII.lowercased(byte) &- 0x61 < 26
      let isMark = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      guard isLetter || isMark || ASCII.digit(byte) != nil else { return false }
    }
    return text.count > 1
  }
}
