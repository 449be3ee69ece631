internal import Bytes
public import Crypto

/// A key with the name by which tokens may ask for it.
public struct TokenKey: Sendable {
  /// Its `kid`, UTF-8; `nil` for keys of PEM files and secrets, which have no name.
  public let id: [UInt8]?
  /// The key.
  public let key: VerificationKey

  /// Names a key.
  ///
  /// - Parameters:
  ///   - id: its name.
  ///   - key: the key.
  public init(id: [UInt8]?, key: VerificationKey) {
    self.id = id
    self.key = key
  }
}

// Reading files.
extension TokenKey {
  /// The keys of a PEM text or a JWK Set, whichever its first character says.
  ///
  /// - Parameter text: the content of a file.
  /// - Returns: the keys in their order; those of a PEM text have no names.
  /// - Throws: `KeyFileError`, naming the key.
  public static func keys(_ text: Span<UInt8>) throws(KeyFileError) -> [TokenKey] {
    for index in text.indices {
      switch text[index] {
      case ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn: continue
      case UInt8(ascii: "{"): return try JSONWebKey.keys(inSet: text)
      default: return try pem(text)
      }
    }
    throw .unknownFormat
  }

  private static func pem(_ text: Span<UInt8>) throws(KeyFileError) -> [TokenKey] {
    let blocks: [PEMBlock]
    do throws(CryptoError) {
      blocks = try PEMBlock.blocks(in: text, atMost: KeySet.maximumKeys)
    } catch {
      throw .key(error, place: "the file")
    }
    guard !blocks.isEmpty else { throw .unknownFormat }
    guard blocks.count <= KeySet.maximumKeys else { throw .tooManyKeys }
    var keys: [TokenKey] = []
    for (index, block) in blocks.enumerated() {
      do throws(CryptoError) {
        keys.append(TokenKey(id: nil, key: .publicKey(try PublicKey(block))))
      } catch {
        throw .key(error, place: "PEM block \(index + 1)")
      }
    }
    return keys
  }

  /// The secret of which a file consists; one line end after it, which editors add, is not part of it.
  ///
  /// - Parameter bytes: the content of the file.
  /// - Returns: the secret, without a name.
  /// - Throws: `KeyFileError.key` where it is too short.
  public static func secret(_ bytes: Span<UInt8>) throws(KeyFileError) -> TokenKey {
    var end = bytes.count
    if end > 0, bytes[end - 1] == ASCII.lineFeed { end -= 1 }
    if end < bytes.count, end > 0, bytes[end - 1] == ASCII.carriageReturn { end -= 1 }
    do throws(CryptoError) {
      return TokenKey(id: nil, key: .secret(try SharedSecret(bytes.extracting(..<end))))
    } catch {
      throw .key(error, place: "the file")
    }
  }
}
