/// What counts as one client: an IPv4 address, the /64 of an IPv6 address, or everyone on the Unix socket.
///
/// A home or a host gets a /64 at least and can take any address in it, so the address alone would bound nobody.
public enum ClientKey: Hashable, Sendable {
  /// An IPv4 address, first octet highest; also one mapped into IPv6 (RFC 4291 §2.5.5.2).
  case ipv4(UInt32)
  /// The first 64 bits of an IPv6 address, first group highest.
  case ipv6(prefix: UInt64)
  /// Whoever comes over a Unix socket, which has no addresses.
  case unix

  /// The key of an address.
  ///
  /// - Parameter address: its 4 or 16 bytes in network order; `nil` for any other number.
  public init?(address: [UInt8]) {
    func number(_ bytes: some Collection<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    switch address.count {
    case 4:
      self = .ipv4(UInt32(truncatingIfNeeded: number(address)))
    case 16:
      let isMapped = number(address[..<8]) == 0 && number(address[8..<12]) == 0xffff
      self =
        isMapped ? .ipv4(UInt32(truncatingIfNeeded: number(address[12...]))) : .ipv6(prefix: number(address[..<8]))
    default:
      return nil
    }
  }
}

extension ClientKey: CustomStringConvertible {
  /// `192.0.2.1`, `2001:db8:0:7::/64` or `unix`, for logs.
  public var description: String {
    switch self {
    case .ipv4(let value): Host.ipv4(value).address
    case .ipv6(let prefix): "\(Host.ipv6(UInt128(prefix) << 64).address)/64"
    case .unix: "unix"
    }
  }
}
