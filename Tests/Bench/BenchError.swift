import Reactor

/// Why the benchmark can't go on.
enum BenchError: Error, CustomStringConvertible {
  /// The user, or whoever runs the benchmark, has asked for its end by this signal.
  case interrupted(signal: Int32)
  /// The system gave no loop, thread, process or file.
  case system(SystemError)
  /// The results can't be written; the table was.
  case unwritable(path: String, SystemError)
  /// A program that is to be measured can't be run.
  case notExecutable(path: String, option: String)
  /// A server that was asked for is not there.
  case notInstalled(String)
  /// A server never listened; with the last lines it wrote.
  case startFailed(server: String, output: String)
  /// The process may not open enough descriptors for a scenario.
  case descriptors(given: Int, needed: Int, scenario: String)

  /// The subject, what was given, and what would be allowed.
  var description: String {
    switch self {
    case .interrupted(let signal): "ended by signal \(signal)"
    case .system(let error): "\(error)"
    case .unwritable(let path, let error): "--json: given \"\(path)\", \(error.words)"
    case .notExecutable(let path, let option): "\(option): given \"\(path)\", allowed: an executable file"
    case .notInstalled(let name): "--peers: given \"\(name)\", which is not installed"
    case .startFailed(let server, let output):
      "\(server) did not listen\(output.isEmpty ? " and wrote nothing" : "; it wrote:\n\(output)")"
    case .descriptors(let given, let needed, let scenario):
      "descriptors: given \(given), needed \(needed) by \"\(scenario)\"; raise the hard limit (ulimit -Hn)"
    }
  }
}
