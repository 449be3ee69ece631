public import Crypto

/// The keys that tokens may be signed with, found by algorithm and name.
///
/// A key is only ever used for its own algorithm: a token chooses among the keys of the algorithm that it names, and
/// never what a key is used for.
///
/// *Bound*: `maximumKeys`.
public struct KeySet: Sendable {
  /// How many keys there may be.
  public static let maximumKeys = 1000
  /// How many keys a token without a key's name may cost.
  static let maximumTried = 8

  private struct Name: Hashable {
    let algorithm: SignatureAlgorithm
    let id: [UInt8]
  }

  private var named: [Name: VerificationKey] = [:]
  private var ids: Set<[UInt8]> = []
  /// The first keys of every algorithm, to be tried for tokens that name none.
  private var first: [SignatureAlgorithm: [VerificationKey]] = [:]
  /// The first of those without a name.
  private var unnamed: [SignatureAlgorithm: [VerificationKey]] = [:]

  /// How many keys there are.
  public let count: Int

  /// Puts keys together.
  ///
  /// - Parameters:
  ///   - keys: the keys in the order in which they are tried; those of one algorithm have different names.
  ///   - algorithms: which of them are used.
  /// - Throws: `KeyFileError.tooManyKeys`, or `.noUsableKey` where none is used.
  public init(_ keys: [TokenKey], algorithms: [SignatureAlgorithm]) throws(KeyFileError) {
    guard keys.count <= KeySet.maximumKeys else { throw .tooManyKeys }
    let used = keys.filter { algorithms.contains($0.key.algorithm) }
    guard !used.isEmpty else { throw .noUsableKey(others: keys.count) }
    count = used.count
    for key in used {
      let algorithm = key.key.algorithm
      KeySet.append(key.key, to: &first[algorithm, default: []])
      guard let id = key.id else {
        KeySet.append(key.key, to: &unnamed[algorithm, default: []])
        continue
      }
      ids.insert(id)
      named[Name(algorithm: algorithm, id: id)] = key.key
    }
  }

  private static func append(_ key: VerificationKey, to keys: inout [VerificationKey]) {
    if keys.count < maximumTried { keys.append(key) }
  }

  /// The keys with which a token may have been signed, at most `maximumTried`.
  ///
  /// - Parameters:
  ///   - algorithm: how the token says it is signed.
  ///   - id: the key that it names: the one of that name, and where nobody has the name those without any.
  /// - Returns: at least one key, all of them for that algorithm.
  /// - Throws: `TokenRefusal.algorithm` where no key that comes into question is for it, `.keyUnknown` where there are such
  ///   keys and none of that name.
  func candidates(for algorithm: SignatureAlgorithm, id: [UInt8]?) throws(TokenRefusal) -> [VerificationKey] {
    guard let all = first[algorithm] else { throw .algorithm }
    guard let id else { return all }
    if let key = named[Name(algorithm: algorithm, id: id)] { return [key] }
    guard !ids.contains(id) else { throw .algorithm }
    guard let keys = unnamed[algorithm] else { throw .keyUnknown }
    return keys
  }
}
