internal import Glibc

/// Reads small files whole.
public enum RegularFile {
  /// The largest file that is read.
  static let maximumBytes = 1024 * 1024

  /// The identity of the file that a path leads to now.
  ///
  /// stat(2).
  static func identity(of path: String) throws(KeyFileError) -> FileIdentity {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw unreadable(errno) }
    return FileIdentity(status)
  }

  /// The content of a file.
  ///
  /// - Parameter path: where it is; links are followed.
  /// - Returns: at most 1 MiB.
  /// - Throws: `KeyFileError`, with the system's words where it cannot be read.
  public static func contents(of path: String) throws(KeyFileError) -> [UInt8] {
    try read(path).bytes
  }

  /// The content of a file, and the identity that belongs to it.
  ///
  /// open(2), fstat(2), read(2).
  ///
  /// - Parameter path: where it is; links are followed.
  /// - Returns: at most `maximumBytes`.
  /// - Throws: `KeyFileError`, with the system's words where it cannot be read.
  static func read(_ path: String) throws(KeyFileError) -> (bytes: [UInt8], identity: FileIdentity) {
    // Opening a pipe would wait for somebody to write to it.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 {
        let number = errno
        if number == EINTR { continue }
        throw unreadable(number)
      }
      if count == 0 { return (bytes, FileIdentity(status)) }
      bytes += chunk[..<count]
      guard bytes.count <= maximumBytes else { throw .tooLarge }
    }
  }

  private static func unreadable(_ number: Int32) -> KeyFileError {
    .unreadable(reason: unsafe strerror(number).map { unsafe String(cString: $0).lowercased() } ?? "error \(number)")
  }
}
