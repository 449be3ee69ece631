import Glibc

/// A folder of files that goes with its owner.
public final class TemporaryFolder {
  /// What the system did not do.
  public struct Failure: Error {}

  /// Where it is.
  public let path: String
  private var names: Set<String> = []

  /// A new, empty folder.
  public init() throws {
    var template = Array("/tmp/sluice-files-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// Makes a file of a text, or replaces the one that is there.
  ///
  /// - Returns: its path.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw Failure() }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else { throw Failure() }
    names.insert(name)
    return "\(path)/\(name)"
  }

  /// Writes what an authority has issued: `NAME.pem` and `NAME.key`.
  public func write(_ name: String, _ issued: TestAuthority.Issued) throws {
    try write("\(name).pem", issued.certificate)
    try write("\(name).key", issued.key)
  }
}
