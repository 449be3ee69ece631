/// What is wrong with a PROXY header; one case a defect.
///
/// After one nothing on the connection can be believed. The protocol has no answer for it: close.
public enum ProxyViolation: Error, Equatable, Sendable {
  /// The connection begins with something else.
  case notAHeader

  // Version 1, a line.

  /// No CR LF within as many bytes as a line may have.
  case lineTooLong(allowedBytes: Int)
  /// A CR without LF, or an LF without CR.
  case malformedLineEnd
  /// The protocol is none of TCP4, TCP6 and UNKNOWN.
  case unknownProtocol
  /// After the protocol do not follow two addresses and two ports, separated by single spaces.
  case malformedLine
  /// An address is none of the protocol's family.
  case malformedAddress
  /// A port is no decimal number from 0 to 65535 without leading zeros.
  case malformedPort

  // Version 2, binary.

  /// A version other than 2 after the signature of version 2.
  case unsupportedVersion
  /// A command other than LOCAL and PROXY.
  case unknownCommand
  /// A family or a transport that version 2 does not have.
  case unknownFamily
  /// The header is longer than is taken.
  case headerTooLong(allowedBytes: Int)
  /// The length leaves no room for the addresses of the family.
  case addressesCutShort
  /// The extensions do not fill their place exactly, or one that may come once comes twice.
  case malformedExtension
  /// The checksum is not that of the header.
  case wrongChecksum
}

extension ProxyViolation {
  /// What to tell people, in lower case and without a full stop.
  public var reason: String {
    switch self {
    case .notAHeader: "the connection does not begin with a proxy header"
    case .lineTooLong(let bytes): "the proxy header is longer than the \(bytes) bytes allowed in a line"
    case .malformedLineEnd: "the proxy header does not end in a carriage return and a line feed"
    case .unknownProtocol: "the protocol in the proxy header is none of TCP4, TCP6 and UNKNOWN"
    case .malformedLine: "the proxy header does not hold two addresses and two ports"
    case .malformedAddress: "an address in the proxy header is none of its protocol"
    case .malformedPort: "a port in the proxy header is not a number from 0 to 65535"
    case .unsupportedVersion: "the version of the proxy header is neither 1 nor 2"
    case .unknownCommand: "the command in the proxy header is neither local nor proxy"
    case .unknownFamily: "the address family or transport in the proxy header does not exist"
    case .headerTooLong(let bytes): "the proxy header is longer than the \(bytes) bytes allowed"
    case .addressesCutShort: "the proxy header is too short for its addresses"
    case .malformedExtension: "the extensions in the proxy header are malformed"
    case .wrongChecksum: "the checksum of the proxy header is wrong"
    }
  }
}
