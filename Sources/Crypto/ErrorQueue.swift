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

  /// Whether the last error only says that there was no PEM block.
  static var saysNoBlock: Bool {
    sluice_is_end_of_pem(ERR_peek_last_error()) == 1
  }

  /// Whether the oldest error is that of a TLS connection, and for this reason.
  ///
  /// ERR_peek_error(3): later ones only say what it led to.
  static func says(_ reason: Int32) -> Bool {
    let error = ERR_peek_error()
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reason
  }

  /// OpenSSL's words for the oldest error, lower case; the queue is empty afterwards.
  ///
  /// ERR_peek_error(3).
  static func takeCause() -> String {
    let error = ERR_peek_error()
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
