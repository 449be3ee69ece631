/// The first nine bytes of a frame (RFC 9113 §4.1).
public struct HTTP2Frame: Equatable, Sendable {
  /// What frames there are (RFC 9113 §6).
  public enum Kind: UInt8, Sendable {
    case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    /// One of an extension; its number is not kept.
    case unknown = 255
  }

  /// What it is.
  public let kind: Kind
  /// The stream that it is about, zero for the connection.
  public let stream: Int32
  /// How many bytes follow.
  public let length: Int
  /// Its flags.
  public let flags: UInt8

  /// The bytes of a frame's head.
  public static let headBytes = 9

  /// A frame's head from its parts.
  public init(kind: Kind, stream: Int32, length: Int, flags: UInt8) {
    self.kind = kind
    self.stream = stream
    self.length = length
    self.flags = flags
  }

  /// Whether nothing follows on the stream: DATA and HEADERS (RFC 9113 §6.1, §6.2).
  public var endsStream: Bool { flags & 0x1 != 0 && (kind == .data || kind == .headers) }

  /// Whether it answers one of ours: SETTINGS and PING (RFC 9113 §6.5, §6.7).
  public var isAcknowledgement: Bool { flags & 0x1 != 0 && (kind == .settings || kind == .ping) }
}
