import ArgumentParser

/// Measures the gateway beside other servers and beside the least that could serve, on this machine, at the same time.
///
/// Absolute figures depend on the machine and on what else it does; figures of one table may be compared, best as
/// ratios. Wrong runs make it fail, slow ones never do.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the gateway, side by side with the other servers that are installed.",
    discussion: """
      CPU µs/event is the user and system time of all the server's processes over the events that arrived. floor is \
      the least that can do the work, one send(2) for each delivery, and shows the kernel's share of it. Exit codes: \
      0 all runs were right, 1 some were not or nothing could be measured, 64 usage, 130 interrupted.
      """,
    subcommands: [Measure.self, FloorCommand.self], defaultSubcommand: Measure.self)
}
