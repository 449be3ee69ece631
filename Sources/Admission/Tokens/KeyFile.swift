internal import Crypto

/// A file with keys or with a secret, and what it last held.
///
/// Rotating a key is replacing the file. One that cannot be used changes nothing: tokens signed with the keys that were
/// there go on being accepted until there is a better one.
struct KeyFile: Sendable {
  /// What a file holds.
  enum Kind: Sendable {
    /// PEM or a JWK Set.
    case keys
    /// One secret.
    case secret
  }

  /// What a look at the file led to.
  enum Look {
    case unchanged
    case changed([TokenKey])
    case unusable(KeyFileError)
  }

  /// The state in which the file was last seen.
  private enum Sight: Equatable {
    case never
    case present(FileIdentity, isSettled: Bool)
    case unreadable(KeyFileError)
  }

  let path: String
  private let kind: Kind
  private var sight = Sight.never
  private var digest: SHA256?

  /// A file that was not looked at yet.
  init(path: String, kind: Kind) {
    self.path = path
    self.kind = kind
  }

  /// Looks whether the file has changed, and reads it where it has.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: what it holds now; every state of it is told once.
  mutating func look(now: Int) -> Look {
    do throws(KeyFileError) {
      let identity = try RegularFile.identity(of: path)
      // A file that changed a moment ago may do so again without its times showing it, so it is read again.
      if sight == .present(identity, isSettled: true) { return .unchanged }
      let content = try RegularFile.read(path)
      sight = .present(content.identity, isSettled: content.identity.isSettled(at: now))
      let digest = SHA256(of: content.bytes.span)
      guard digest != self.digest else { return .unchanged }
      self.digest = digest
      return .changed(try parse(content.bytes))
    } catch {
      return note(error)
    }
  }

  /// Reports why the file cannot be used, once; one that comes back counts as changed, so that its return is told.
  private mutating func note(_ error: KeyFileError) -> Look {
    switch error {
    case .unreadable, .notRegular, .tooLarge:
      guard sight != .unreadable(error) else { return .unchanged }
      sight = .unreadable(error)
      digest = nil
    default: break
    }
    return .unusable(error)
  }

  private func parse(_ bytes: [UInt8]) throws(KeyFileError) -> [TokenKey] {
    switch kind {
    case .keys: try TokenKey.keys(bytes.span)
    case .secret: [try TokenKey.secret(bytes.span)]
    }
  }
}
