import Glibc

/// Reads the text of a settings file.
enum SettingsFile {
  /// The largest file that is read.
  static let maximumBytes = 1024 * 1024

  /// The text of a file.
  ///
  /// - Parameter file: its path.
  /// - Returns: the text, at most 1 MiB.
  /// - Throws: one problem, with the system's words if it cannot be read.
  static func text(of file: String) throws(SettingsError) -> String {
    let bytes = try self.bytes(of: file)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
    throw refused(file, line: line.map { $0 + 1 }, given: "bytes that are no UTF-8", allowed: "a text in UTF-8")
  }

  private static func bytes(of file: String) throws(SettingsError) -> [UInt8] {
    let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(file, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count <= maximumBytes {
      let count = unsafe read(descriptor, &chunk, chunk.count)
      if count < 0 {
        let number = errno
        if number == EINTR { continue }
        throw unreadable(file, number)
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    throw refused(file, line: nil, given: "more than 1 MiB", allowed: "at most 1 MiB")
  }

  private static func unreadable(_ file: String, _ number: Int32) -> SettingsError {
    let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    return refused(file, line: nil, given: "a file that cannot be read (\(words))", allowed: "a readable file")
  }

  private static func refused(_ file: String, line: Int?, given: String, allowed: String) -> SettingsError {
    SettingsError(problems: [
      SettingsProblem(file: file, line: line, key: "", given: given, allowed: allowed, suggestion: nil)
    ])
  }
}
