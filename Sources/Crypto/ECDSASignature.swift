/// ECDSA signatures on P-256 as tokens carry them: r and s as 32 bytes each (RFC 7518 §3.4).
enum ECDSASignature {
  /// The same signature as OpenSSL reads it: a sequence of two integers (RFC 3279 §2.2.3).
  ///
  /// Whether r and s are in range, zero among others, is for OpenSSL to say.
  ///
  /// - Parameter raw: r and s.
  /// - Returns: the sequence; `nil` where `raw` has another length.
  static func der(ofRaw raw: Span<UInt8>) -> [UInt8]? {
    guard raw.count == 64 else { return nil }
    var integers: [UInt8] = []
    DER.append(integer: raw.extracting(0..<32), to: &integers)
    DER.append(integer: raw.extracting(32..<64), to: &integers)
    return DER.sequence(integers)
  }
}
