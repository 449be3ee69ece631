import Glibc

/// Where programs are found.
enum Program {
  /// Where to look: servers often stand where an ordinary user's search does not go.
  static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// The path of a program by its name, `nil` where it is not installed.
  static func find(_ name: String) -> String? {
    path.split(separator: ":").map { "\($0)/\(name)" }.first { isExecutable($0) }
  }

  /// The path of this program.
  ///
  /// proc(5), /proc/self/exe; realpath(3).
  static var own: String {
    guard let path = unsafe realpath("/proc/self/exe", nil) else { return CommandLine.arguments[0] }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  /// Whether this is a program that may be run.
  ///
  /// access(2).
  static func isExecutable(_ path: String) -> Bool {
    unsafe access(path, X_OK) == 0
  }
}
