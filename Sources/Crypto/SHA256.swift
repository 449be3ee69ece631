internal import COpenSSL

/// The SHA-256 digest of some bytes (FIPS 180-4): tells whether two secrets are the same without keeping either.
public struct SHA256: Hashable, Sendable {
  private let words: InlineWords

  private struct InlineWords: Hashable, Sendable {
    var (a, b, c, d): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  }

  /// The digest of the bytes.
  ///
  /// EVP_Digest(3).
  public init(of bytes: Span<UInt8>) {
    var digest = InlineWords()
    let done = unsafe withUnsafeMutableBytes(of: &digest) { output in
      unsafe bytes.withUnsafeBytes { input in
        unsafe EVP_Digest(
          input.baseAddress, input.count, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, EVP_sha256(),
          nil)
      }
    }
    precondition(done == 1, "every build of OpenSSL has SHA-256")
    words = digest
  }

  /// How many bytes it has.
  public static let byteCount = 32

  /// A digest that was kept as its bytes.
  ///
  /// - Returns: `nil` for any other number of bytes than `byteCount`.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    var digest = InlineWords()
    unsafe withUnsafeMutableBytes(of: &digest) { unsafe $0.copyBytes(from: bytes) }
    words = digest
  }

  /// The digest.
  public var bytes: [UInt8] {
    unsafe withUnsafeBytes(of: words) { unsafe Array($0) }
  }
}
