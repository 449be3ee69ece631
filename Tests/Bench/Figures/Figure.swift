/// What is measured, each by the name it has in the machine-readable results.
enum Figure: String, CaseIterable {
  /// The server's processor time for each event that arrived.
  case microsecondsPerEvent = "cpu_us_per_event"
  /// How many events arrived each second.
  case eventsPerSecond = "events_per_second"
  /// From the beginning of a request to the arrival of the first event.
  case firstEventP50 = "first_event_p50_ms"
  case firstEventP99 = "first_event_p99_ms"
  /// From the orchestrator's sending to the arrival of an event.
  case eventP50 = "event_p50_ms"
  case eventP99 = "event_p99_ms"
  /// What the server's memory grew for each client.
  case bytesPerClient = "pss_bytes_per_client"
  /// The server's memory when the window closed.
  case serverBytes = "pss_bytes"
  /// How many of the readers that do not read the server has cut off.
  case slowClosed = "slow_closed"
  /// How many clients came: fewer than asked for where the server may not open enough descriptors.
  case clients = "clients"
  /// How many processors the server kept busy.
  case serverLoad = "server_load"
  /// How many processors the clients and the stand-in kept busy.
  case benchLoad = "bench_load"
  /// How many processors everybody else on the machine kept busy.
  case othersLoad = "others_load"

  /// What stands above its column.
  var heading: String {
    switch self {
    case .microsecondsPerEvent: "CPU µs/event"
    case .eventsPerSecond: "events/s"
    case .firstEventP50: "first p50 ms"
    case .firstEventP99: "first p99 ms"
    case .eventP50: "event p50 ms"
    case .eventP99: "event p99 ms"
    case .bytesPerClient: "PSS B/client"
    case .serverBytes: "PSS MiB"
    case .slowClosed: "slow closed"
    case .clients: "clients"
    case .serverLoad: "server CPU"
    case .benchLoad: "bench CPU"
    case .othersLoad: "others CPU"
    }
  }

  /// A value as the table has it.
  func text(_ value: Double) -> String {
    switch self {
    case .serverBytes: Table.fixed(value / 1_048_576, digits: 1)
    case .eventsPerSecond, .bytesPerClient, .slowClosed, .clients: Table.fixed(value, digits: 0)
    default: Table.fixed(value, digits: 2)
    }
  }
}
