import ArgumentParser
import Glibc

/// How the command ends where something is wrong.
///
/// sysexits.h names the codes.
enum Ending {
  /// A configuration that can't be used: EX_CONFIG.
  static let configuration = ExitCode(78)
  /// A file that can't be read: EX_NOINPUT.
  static let noInput = ExitCode(66)
  /// An address that can't be had: EX_UNAVAILABLE.
  static let unavailable = ExitCode(69)
  /// The system gives no thread or descriptor: EX_OSERR.
  static let system = ExitCode(71)

  /// Says on standard error what is wrong.
  static func complain(_ text: String) {
    let line = Array("sluice: \(text)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
  }
}
