public import Crypto
public import Wire

/// What is wrong with a file of keys or of a secret; the keys that were there before stay in use.
public enum KeyFileError: Error, Sendable, Equatable {
  /// The system's words for why it cannot be read.
  case unreadable(reason: String)
  /// A directory, a pipe or the like, which could keep the reader waiting.
  case notRegular
  /// It is larger than is read.
  case tooLarge
  /// It is neither of the two kinds of key files.
  case unknownFormat
  /// It begins like a JWK Set and is no JSON.
  case json(JSONViolation)
  /// It is JSON without a list of keys (RFC 7517 §5).
  case noKeyList
  /// A key has a member of another form than it must have, or lacks one; `place` says which key.
  case member(name: String, place: String)
  /// Two keys for the same algorithm have the same name; `place` says which is the second.
  case repeatedID(place: String)
  /// A key is no key, or is not safe; `place` says which.
  case key(CryptoError, place: String)
  /// There are more keys than are kept.
  case tooManyKeys
  /// There is no key for any of the allowed algorithms; the value is how many there are for others.
  case noUsableKey(others: Int)
}

extension KeyFileError {
  /// What was found, without anything of a secret.
  public var given: String {
    switch self {
    case .unreadable(let reason): "a file that cannot be read (\(reason))"
    case .notRegular: "something that is no regular file"
    case .tooLarge: "a file of more than 1 MiB"
    case .unknownFormat: "a file that is neither PEM nor a JWK Set"
    case .json(let violation): "a JWK Set with \(violation)"
    case .noKeyList: "a JSON text without a list of keys"
    case .member(let name, let place): "a missing or malformed \"\(name)\" in \(place)"
    case .repeatedID(let place): "the same name again in \(place)"
    case .key(let error, let place): "\(error.given) in \(place)"
    case .tooManyKeys: "more than \(KeySet.maximumKeys) keys"
    case .noUsableKey(let others): "no key of an allowed algorithm and \(others) of others"
    }
  }

  /// What would have been accepted instead.
  public var allowed: String {
    switch self {
    case .unreadable, .notRegular: "a readable file"
    case .tooLarge: "at most 1 MiB"
    case .unknownFormat: "PEM public keys or certificates, or a JWK Set"
    case .json, .noKeyList: "a JWK Set such as {\"keys\": [...]}"
    case .member: "a JSON Web Key with all that its kind needs"
    case .repeatedID: "each kid once for an algorithm"
    case .key(let error, _): error.allowed
    case .tooManyKeys: "at most \(KeySet.maximumKeys) keys"
    case .noUsableKey: "at least one key of an allowed algorithm"
    }
  }
}

extension KeyFileError: CustomStringConvertible {
  /// What was given and what is allowed.
  public var description: String { "given \(given), allowed: \(allowed)" }
}
