internal import Glibc
public import Reactor

/// Reads and writes files whole.
public enum FileBytes {
  /// The most bytes of a file.
  static let most = 64 << 20

  /// The bytes of a file.
  ///
  /// open(2), read(2).
  ///
  /// - Throws: `SystemError`; EFBIG where there are more than `most`.
  public static func read(_ path: String) throws(SystemError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let capacity = piece.count
      let count = unsafe Glibc.read(descriptor, &piece, capacity)
      guard count >= 0 else { throw SystemError("read", code: errno) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= most else { throw SystemError("read", code: EFBIG) }
    }
  }

  /// Writes a file, in place of one that is there.
  ///
  /// open(2), write(2).
  ///
  /// - Throws: `SystemError`, e.g. the folder does not exist.
  public static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw SystemError("open", code: errno) }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else { throw SystemError("write", code: errno) }
      written += count
    }
  }
}
