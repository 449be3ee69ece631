public import Reactor

/// Why a load test can't begin.
public enum LoadError: Error, Equatable, Sendable, CustomStringConvertible {
  /// An option has a value that it can't have.
  case usage(option: String, given: String, allowed: String)
  /// A file that an option names can't be read.
  case unreadable(option: String, file: String, words: String)
  /// A host has no usable address.
  case unresolved(host: String, words: String)
  /// The system gives no thread or descriptor.
  case system(SystemError)

  /// What is wrong, for people: the option, what was given, what is allowed.
  public var description: String {
    switch self {
    case .usage(let option, let given, let allowed): "\(option): given \"\(given)\", allowed: \(allowed)"
    case .unreadable(let option, let file, let words): "\(option): \(file): \(words)"
    case .unresolved(let host, let words): "\(host): \(words)"
    case .system(let error): "\(error)"
    }
  }
}
