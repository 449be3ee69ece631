/// How many loops serve, each on a thread of its own.
public enum WorkerSettings: Sendable, Equatable {
  /// As many as there are processors that this process may use.
  case auto
  /// So many, 1 to `most`.
  case number(Int)

  /// The most there can be.
  public static let most = 64

  static let allowed = "auto, or a whole number from 1 to \(most)"

  /// Reads a number as it stands in the settings.
  init?(_ text: String) {
    if text == "auto" {
      self = .auto
    } else if let number = Int(text), (1...WorkerSettings.most).contains(number), text == "\(number)" {
      self = .number(number)
    } else {
      return nil
    }
  }
}

extension WorkerSettings: CustomStringConvertible {
  /// The number as it stands in the settings.
  public var description: String {
    switch self {
    case .auto: "auto"
    case .number(let number): "\(number)"
    }
  }
}
