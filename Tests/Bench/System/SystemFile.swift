import Glibc
import Reactor

/// Small files read and written whole, such as those in which the kernel tells about processes.
enum SystemFile {
  /// All that a file holds; `nil` where it can't be read.
  ///
  /// open(2), read(2).
  static func read(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
      bytes.append(contentsOf: piece[..<count])
    }
  }

  /// Whether there is a file that may be read.
  ///
  /// access(2).
  static func exists(_ path: String) -> Bool {
    unsafe access(path, R_OK) == 0
  }

  /// Writes a file anew.
  ///
  /// open(2), write(2).
  ///
  /// - Throws: `SystemError`, e.g. the directory is not there.
  static func write(_ text: String, to path: String) throws(SystemError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError("open", code: errno) }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw SystemError("write", code: errno) }
      rest.removeFirst(count)
    }
  }

  /// The value of the first line `name: value` of a file, `nil` where there is none.
  static func line(_ name: String, of path: String) -> Substring? {
    guard let lines = read(path)?.split(separator: "\n") else { return nil }
    guard let line = lines.first(where: { $0.hasPrefix("\(name)") }), let colon = line.firstIndex(of: ":") else {
      return nil
    }
    return line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
  }
}
