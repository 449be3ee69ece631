import Glibc

/// A system call that failed, as one typed value.
///
/// `errno` is read on the line after the call, inside the wrapper, and never again.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The value of errno(3).
  public let code: Int32
  /// The name of the system call.
  public let call: StaticString

  /// The failure that `errno` holds now.
  public init(_ call: StaticString) {
    self.code = errno
    self.call = call
  }

  /// A failure reported another way, such as by `SO_ERROR`.
  public init(_ call: StaticString, code: Int32) {
    self.code = code
    self.call = call
  }

  /// The call and the system's own words.
  public var description: String {
    "\(call): \(words)"
  }

  /// The system's words for the code, lower case.
  ///
  /// strerror_r(3).
  public var words: String {
    var text = [CChar](repeating: 0, count: 128)
    let capacity = text.count
    guard unsafe strerror_r(code, &text, capacity) == 0 else { return "error \(code)" }
    let end = text.firstIndex(of: 0) ?? text.count
    return String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
  }

  /// Equal codes of equal calls.
  public static func == (left: SystemError, right: SystemError) -> Bool {
    left.code == right.code && "\(left.call)" == "\(right.call)"
  }
}
