public import Crypto

/// The key files of one rule, and the keys that they last held.
///
/// - Owner: one thread, which looks for changes and hands the keys to the others.
public struct KeyRing: Sendable {
  /// What became of a file that had changed.
  public enum Change: Sendable, Equatable {
    /// Its new keys are in use; how many keys there are now, those of the other file included.
    case reloaded(path: String, keys: Int)
    /// It cannot be used, and the keys that were there before stay in use.
    case refused(path: String, KeyFileError)
  }

  /// Why there is nothing to begin with.
  public struct Failure: Error, Equatable {
    /// The file to blame.
    public let path: String
    /// What is wrong with it.
    public let error: KeyFileError
  }

  private struct Entry {
    var file: KeyFile
    var keys: [TokenKey]
  }

  /// The keys to judge tokens with now.
  public private(set) var keys: KeySet
  private var entries: [Entry]
  private let algorithms: [SignatureAlgorithm]
  private var lastLook: Int

  /// Reads the files for the first time.
  ///
  /// - Parameters:
  ///   - keyFile: the path of a file with PEM public keys, certificates or a JWK Set.
  ///   - secretFile: the path of a file with a secret; at least one of both is given.
  ///   - algorithms: what may be used.
  ///   - now: seconds since 1970.
  /// - Throws: `Failure`; without keys nobody could be let in.
  public init(
    keyFile: String?, secretFile: String?, algorithms: [SignatureAlgorithm], now: Int
  ) throws(Failure) {
    precondition(keyFile != nil || secretFile != nil, "a ring has a file")
    let files =
      [keyFile.map { KeyFile(path: $0, kind: .keys) }, secretFile.map { KeyFile(path: $0, kind: .secret) }]
    entries = []
    for var file in files.compactMap({ $0 }) {
      switch file.look(now: now) {
      case .changed(let keys): entries.append(Entry(file: file, keys: keys))
      case .unusable(let error): throw Failure(path: file.path, error: error)
      case .unchanged: preconditionFailure("a file that was never seen has changed")
      }
    }
    do throws(KeyFileError) {
      keys = try KeySet(entries.flatMap(\.keys), algorithms: algorithms)
    } catch {
      throw Failure(path: keyFile ?? secretFile ?? "", error: error)
    }
    self.algorithms = algorithms
    lastLook = now
  }

  /// Looks whether files have changed, and reads those that have; a second call within a second does nothing.
  ///
  /// One stat(2) for each file where nothing changed. Every new state of a file is reported once.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: what became of the files that had changed; `keys` is new where one of them was `.reloaded`.
  public mutating func refresh(now: Int) -> [Change] {
    guard now != lastLook else { return [] }
    lastLook = now
    var changes: [Change] = []
    for index in entries.indices {
      switch entries[index].file.look(now: now) {
      case .unchanged: continue
      case .unusable(let error): changes.append(.refused(path: entries[index].file.path, error))
      case .changed(let keys): changes.append(take(keys, at: index))
      }
    }
    return changes
  }

  private mutating func take(_ new: [TokenKey], at index: Int) -> Change {
    let path = entries[index].file.path
    var all = entries.map(\.keys)
    all[index] = new
    do throws(KeyFileError) {
      keys = try KeySet(all.flatMap { $0 }, algorithms: algorithms)
      entries[index].keys = new
      return .reloaded(path: path, keys: keys.count)
    } catch {
      return .refused(path: path, error)
    }
  }
}
