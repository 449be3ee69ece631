/// Where runs are kept from one process to the next.
public enum StateDirectory: Sendable, Equatable {
  /// Nowhere: a restart loses them.
  case none
  /// In a directory, by its absolute path of at most 1024 bytes.
  case path(String)

  static let allowed = "none, or an absolute path of at most 1024 bytes"

  /// Reads a directory as it stands in the settings.
  init?(_ text: String) {
    if text == "none" {
      self = .none
    } else if text.hasPrefix("/"), text.utf8.count <= 1024, !text.utf8.contains(0) {
      self = .path(text)
    } else {
      return nil
    }
  }

  /// The path, if there is one.
  public var path: String? {
    if case .path(let path) = self { path } else { nil }
  }
}

extension StateDirectory: CustomStringConvertible {
  /// The directory as it stands in the settings.
  public var description: String { path ?? "none" }
}
