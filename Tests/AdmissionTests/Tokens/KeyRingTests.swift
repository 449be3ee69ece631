import Crypto
import Glibc
import Testing

@testable import Admission

/// Key files that change while they are in use.
@Suite final class KeyRingTests {
  private let folder: String
  private let all = SignatureAlgorithm.allCases
  /// Long after every file was written, as far as the ring knows.
  private var now = Int(time(nil)) + 100

  init() throws {
    var template = Array("/tmp/sluice-keys-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in ["keys", "keys.new", "secret", "pipe"] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  private var keyFile: String { "\(folder)/keys" }
  private var secretFile: String { "\(folder)/secret" }

  /// Writes a file in one step, as careful programs do, or in place.
  private func write(_ bytes: [UInt8], to path: String, inPlace: Bool = false) throws {
    guard inPlace else {
      try fill("\(path).new", with: bytes)
      return try #require(rename("\(path).new", path) == 0)
    }
    // Older kernels' file times go on in steps of some milliseconds, and the ring believes that this is long after.
    let before = try changed(path)
    repeat { try fill(path, with: bytes) } while try changed(path) == before
  }

  private func fill(_ path: String, with bytes: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private func changed(_ path: String) throws -> [Int] {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }

  private func write(_ keys: SigningKey..., inPlace: Bool = false) throws {
    let text = try keys.map { try $0.publicPEM() }.joined()
    try write(Array(text.utf8), to: keyFile, inPlace: inPlace)
  }

  private func ring(secret: Bool = false) throws -> KeyRing {
    try KeyRing(keyFile: keyFile, secretFile: secret ? secretFile : nil, algorithms: all, now: now)
  }

  private func refresh(_ ring: inout KeyRing) -> [KeyRing.Change] {
    now += 1
    return ring.refresh(now: now)
  }

  private func lets(_ key: SigningKey, in ring: KeyRing) throws -> Bool {
    try SignedToken(key).verdict(ring.keys) == .accepted(SignedToken.alice)
  }

  @Test(arguments: [false, true])
  func `a new key replaces the old one`(inPlace: Bool) throws {
    let (old, new) = (try SigningKey.make(.es256), try SigningKey.make(.es256))
    try write(old)
    var ring = try ring()
    #expect(try lets(old, in: ring))
    #expect(refresh(&ring) == [])
    try write(new, inPlace: inPlace)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 1)])
    #expect(try !lets(old, in: ring))
    #expect(try lets(new, in: ring))
    #expect(refresh(&ring) == [])
  }

  @Test func `a file is looked at once a second at most, whichever way the clock goes`() throws {
    let (old, new) = (try SigningKey.make(.es256), try SigningKey.make(.es256))
    try write(old)
    var ring = try ring()
    try write(new)
    #expect(ring.refresh(now: now) == [])
    #expect(ring.refresh(now: now - 3600) == [.reloaded(path: keyFile, keys: 1)])
  }

  @Test func `a bad file is told of once and changes nothing`() throws {
    let (old, new) = (try SigningKey.make(.es256), try SigningKey.make(.es256))
    try write(old)
    var ring = try ring()
    for bad in ["", "no keys", "{", try new.privatePEM()] {
      try write(Array(bad.utf8), to: keyFile)
      let changes = refresh(&ring)
      guard case .refused(path: keyFile, _)? = changes.first, changes.count == 1 else {
        Issue.record("\(changes) for \(bad.prefix(10))")
        continue
      }
      #expect(refresh(&ring) == [])
      #expect(try lets(old, in: ring))
    }
    try write(new)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 1)])
    #expect(try lets(new, in: ring))
  }

  @Test func `a file that is gone keeps its keys in use until it is back`() throws {
    let key = try SigningKey.make(.es256)
    try write(key)
    var ring = try ring()
    unlink(keyFile)
    #expect(refresh(&ring) == [.refused(path: keyFile, .unreadable(reason: "no such file or directory"))])
    #expect(refresh(&ring) == [])
    #expect(try lets(key, in: ring))
    try write(key)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 1)])
    #expect(try lets(key, in: ring))
  }

  @Test func `the same content written again is no change`() throws {
    let key = try SigningKey.make(.es256)
    try write(key)
    var ring = try ring()
    try write(key)
    #expect(refresh(&ring) == [])
    try write(key, inPlace: true)
    #expect(refresh(&ring) == [])
  }

  @Test func `a change is seen although the time of modification was set back`() throws {
    let (old, new) = (try SigningKey.make(.es256), try SigningKey.make(.es256))
    try write(old)
    var ring = try ring()
    var before = stat()
    try #require(stat(keyFile, &before) == 0)
    try write(new, inPlace: true)
    try #require(utimensat(AT_FDCWD, keyFile, [before.st_mtim, before.st_mtim], 0) == 0)
    var after = stat()
    try #require(stat(keyFile, &after) == 0)
    #expect(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_size == before.st_size)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 1)])
    #expect(try lets(new, in: ring))
  }

  @Test func `a file is settled two seconds after its last change of either kind`() {
    func identity(modified: Int, changed: Int) -> FileIdentity {
      FileIdentity(
        device: 1, number: 2, sizeBytes: 3, modified: FileIdentity.Moment(seconds: modified, nanoseconds: 9),
        changed: FileIdentity.Moment(seconds: changed, nanoseconds: 9))
    }
    #expect(identity(modified: 100, changed: 100).isSettled(at: 102))
    #expect(!identity(modified: 100, changed: 100).isSettled(at: 101))
    #expect(!identity(modified: 50, changed: 100).isSettled(at: 101))
    #expect(!identity(modified: 200, changed: 100).isSettled(at: 102), "a clock that was set back")
  }

  @Test func `keys and secret are one set, each with a file of its own`() throws {
    let (key, first) = (try SigningKey.make(.es256), try SigningKey.make(.hs256))
    let second = SigningKey.secret(Array("a secret of more than 32 characters".utf8))
    try write(key)
    try write(first.secret, to: secretFile)
    var ring = try ring(secret: true)
    #expect(ring.keys.count == 2)
    #expect(try lets(key, in: ring) && lets(first, in: ring))
    for end in ["", "\n", "\r\n"] {
      try write(second.secret + Array(end.utf8), to: secretFile)
      #expect(refresh(&ring) == [.reloaded(path: secretFile, keys: 2)])
      #expect(try lets(key, in: ring) && lets(second, in: ring) && !lets(first, in: ring))
    }
    try write(Array("short\n".utf8), to: secretFile)
    #expect(refresh(&ring) == [.refused(path: secretFile, .key(.secret(bytes: 5), place: "the file"))])
    #expect(try lets(key, in: ring) && lets(second, in: ring))
  }

  @Test func `files that change one after the other or at once are all taken`() throws {
    let keys = try (0..<3).map { _ in try SigningKey.make(.es256) }
    let secrets = try (0..<3).map { _ in try SigningKey.make(.hs256) }
    try write(keys[0])
    try write(secrets[0].secret, to: secretFile)
    var ring = try ring(secret: true)
    try write(keys[1])
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 2)])
    try write(secrets[1].secret, to: secretFile)
    #expect(refresh(&ring) == [.reloaded(path: secretFile, keys: 2)])
    #expect(try lets(keys[1], in: ring) && lets(secrets[1], in: ring))
    #expect(try !lets(keys[0], in: ring) && !lets(secrets[0], in: ring))
    try write(keys[2])
    try write(secrets[2].secret, to: secretFile)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 2), .reloaded(path: secretFile, keys: 2)])
    #expect(try lets(keys[2], in: ring) && lets(secrets[2], in: ring))
    #expect(try !lets(keys[1], in: ring) && !lets(secrets[1], in: ring))
  }

  @Test func `one line end is not part of a secret, any other byte is`() throws {
    let secret = Array("a secret of more than 32 characters".utf8)
    try write(Array("\(String(decoding: secret, as: UTF8.self))\n\n".utf8), to: secretFile)
    let ring = try KeyRing(keyFile: nil, secretFile: secretFile, algorithms: all, now: now)
    #expect(try lets(.secret(secret + [0x0A]), in: ring))
    #expect(try !lets(.secret(secret), in: ring))
    try write(secret + [0x0D], to: secretFile)
    let other = try KeyRing(keyFile: nil, secretFile: secretFile, algorithms: all, now: now)
    #expect(try lets(.secret(secret + [0x0D]), in: other))
  }

  @Test func `new keys that leave none for an allowed algorithm are refused`() throws {
    let (es, ed) = (try SigningKey.make(.es256), try SigningKey.make(.edDSA))
    try write(es, ed)
    var ring = try KeyRing(keyFile: keyFile, secretFile: nil, algorithms: [.es256], now: now)
    #expect(ring.keys.count == 1)
    try write(ed)
    #expect(refresh(&ring) == [.refused(path: keyFile, .noUsableKey(others: 1))])
    #expect(try lets(es, in: ring))
  }

  @Test func `without keys there is no ring`() throws {
    func failure(_ keyFile: String) -> KeyRing.Failure? {
      do throws(KeyRing.Failure) {
        _ = try KeyRing(keyFile: keyFile, secretFile: nil, algorithms: all, now: now)
        return nil
      } catch {
        return error
      }
    }
    let missing = KeyFileError.unreadable(reason: "no such file or directory")
    #expect(failure(keyFile) == KeyRing.Failure(path: keyFile, error: missing))
    #expect(failure(folder)?.error == .notRegular)
    #expect(failure("/dev/zero")?.error == .notRegular)
    try #require(mkfifo("\(folder)/pipe", 0o600) == 0)
    #expect(failure("\(folder)/pipe")?.error == .notRegular, "and nobody waits for a writer")
  }

  @Test func `a file has 1 MiB at most`() throws {
    let key = try SigningKey.make(.es256)
    let text = Array(try key.publicPEM().utf8)
    try write(text + [UInt8](repeating: 0x0A, count: (1 << 20) - text.count), to: keyFile)
    var ring = try ring()
    #expect(try lets(key, in: ring))
    try write(text + [UInt8](repeating: 0x0A, count: (1 << 20) - text.count + 1), to: keyFile)
    #expect(refresh(&ring) == [.refused(path: keyFile, .tooLarge)])
    #expect(refresh(&ring) == [])
    try write(key)
    #expect(refresh(&ring) == [.reloaded(path: keyFile, keys: 1)])
  }
}
