import Glibc
import Reactor

/// A directory for configurations and logs that is gone when the benchmark is.
@safe
final class TemporaryFolder {
  private let folder: String
  private var names: [String] = []

  /// Makes it.
  ///
  /// mkdtemp(3).
  ///
  /// - Throws: `SystemError` where there is no room for it.
  init() throws(SystemError) {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/sluice-bench-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw SystemError("mkdtemp", code: errno) }
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The path of a file or directory in it that somebody is going to make and that `remove` takes away.
  func path(of name: String) -> String {
    if !names.contains(name) { names.append(name) }
    return "\(folder)/\(name)"
  }

  /// Removes it with all whose names were asked for; directories must be empty by then.
  ///
  /// remove(3).
  func remove() {
    for name in names { unsafe _ = Glibc.remove("\(folder)/\(name)") }
    unsafe _ = Glibc.remove(folder)
  }
}
