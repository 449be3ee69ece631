/// What is known of the machine and the service manager that settings have to fit.
public struct Surroundings: Sendable, Equatable {
  /// How many clients are expected at a time, `nil` where nobody said.
  public var clients: Int?
  /// How many bytes of memory the process may use, `nil` where that is unknown.
  public var memoryBytes: Int?
  /// How many descriptors the process may have open, `nil` where that is unknown.
  public var openFiles: Int?
  /// How long the service manager waits after its signal before it kills.
  public var stopTimeout: Duration
  /// Seconds since 1970, `nil` where nobody said.
  public var now: Int?

  /// Gathers what is known.
  ///
  /// - Parameters:
  ///   - clients: how many clients are expected at a time.
  ///   - memoryBytes: how many bytes of memory the process may use.
  ///   - openFiles: how many descriptors the process may have open.
  ///   - stopTimeout: how long the service manager waits before it kills.
  public init(clients: Int?, memoryBytes: Int?, openFiles: Int?, stopTimeout: Duration) {
    self.clients = clients
    self.memoryBytes = memoryBytes
    self.openFiles = openFiles
    self.stopTimeout = stopTimeout
  }

  /// Nothing but systemd's default time to stop (systemd-system.conf(5), `DefaultTimeoutStopSec`).
  public static let unknown = Surroundings(
    clients: nil, memoryBytes: nil, openFiles: nil, stopTimeout: .seconds(90))
}
