/// Something in valid settings that is likely to go wrong, for people who check a file.
public struct SettingsWarning: Sendable, Equatable {
  /// The path of the key, such as `routes[0].cors.origins`.
  public let key: String
  /// What can happen and what to do about it, in one or two sentences.
  public let text: String

  /// Puts a warning together.
  ///
  /// - Parameters:
  ///   - key: the path of the key.
  ///   - text: what can happen and what to do about it.
  public init(key: String, text: String) {
    self.key = key
    self.text = text
  }
}

extension SettingsWarning: CustomStringConvertible {
  /// `key: text`.
  public var description: String { "\(key): \(text)" }
}
