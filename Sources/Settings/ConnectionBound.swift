/// How many connections there may be at a time; more are not accepted and wait in the kernel's backlog.
public enum ConnectionBound: Sendable, Equatable {
  /// Half of the descriptors that the process may have: each client may need another for its orchestrator request.
  case auto
  /// So many, 1 to `most`.
  case number(Int)

  /// The most there can be.
  public static let most = 10_000_000

  static let allowed = "auto, or a whole number from 1 to \(most)"

  /// Reads a bound as it stands in the settings.
  init?(_ text: String) {
    if text == "auto" {
      self = .auto
    } else if let number = Int(text), (1...ConnectionBound.most).contains(number), text == "\(number)" {
      self = .number(number)
    } else {
      return nil
    }
  }
}

extension ConnectionBound: CustomStringConvertible {
  /// The bound as it stands in the settings.
  public var description: String {
    switch self {
    case .auto: "auto"
    case .number(let number): "\(number)"
    }
  }
}
