internal import COpenSSL

/// The errors that OpenSSL keeps per thread, read on the line after the call that failed.
enum ErrorQueue {
  /// OpenSSL's words for the last error, lower case; the queue is empty afterwards.
  ///
  /// ERR_peek_last_error(3).
  static func takeReason() -> String {
    let error = ERR_peek_last_error()
    defer { clear() }
    guard let words = unsafe ERR_reason_error_string(error) else { return "error \(error)" }
    return unsafe String(cString: words).lowercased()
  }

  /// Forgets the errors of calls whose failure was an answer, so that nobody takes them for their own.
  ///
  /// ERR_clear_error(3).
  static func clear() {
    ERR_clear_error()
  }
}
