/// How the gateway ends.
public struct DrainSettings: Sendable, Equatable {
  /// How long runs may go on after the signal to end; 0 to 1 d.
  public var deadline: Duration

  /// Puts drain settings together; the value is taken as it is.
  ///
  /// - Parameter deadline: how long runs may go on after the signal to end.
  public init(deadline: Duration) {
    self.deadline = deadline
  }

  /// What holds where the file says nothing.
  public static let `default` = DrainSettings(deadline: .seconds(30))
}

extension DrainSettings {
  init(_ reader: SettingsReader) {
    self.init(
      deadline: reader.duration(
        "deadline", default: DrainSettings.default.deadline, in: .zero ... .seconds(86400),
        "How long runs may go on after SIGTERM; less than the service manager waits."))
  }
}
