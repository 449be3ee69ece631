/// Where a listener sends its clients: to the same host by https.
public struct HTTPSRedirect: Sendable, Equatable {
  /// The port there; 443 is not written into the location.
  public let port: UInt16

  /// A redirect to a port.
  public init(port: UInt16 = 443) {
    self.port = port
  }

  static let allowed = "https, or https and a port, such as https:8443"

  /// Reads a redirect as it stands in the settings.
  init?(_ text: String) {
    if text == "https" {
      self.init()
      return
    }
    guard text.hasPrefix("https:") else { return nil }
    let digits = text.dropFirst(6)
    guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), !digits.hasPrefix("0"),
      let port = UInt16(digits)
    else { return nil }
    self.init(port: port)
  }
}
