import ArgumentParser
import Glibc
import Reactor

/// Measures the gateway beside nginx and beside nothing at all, on this machine and at the same time.
///
/// Absolute figures depend on the machine and on what else it does; figures of one table may be compared, best as
/// ratios. Wrong runs make it fail, slow ones never do.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the gateway, side by side with nginx where it is installed.",
    discussion: """
      CPU µs/event is the user and system time of all the server's processes over the events that arrived; for direct \
      it is that of the stand-in orchestrator. Exit codes: 0 all runs were right, 1 some were not or nothing could be \
      measured, 64 usage, 130 interrupted.
      """)

  @Option(help: "The gateway's binary.")
  var gateway: String

  @Option(help: "The nginx binary, if it is to be another one than the one installed.")
  var nginx: String?

  @Option(help: "How often each scenario is measured with each server; the medians count.")
  var rounds = 3

  @Option(help: "How long each measurement lasts, in seconds.")
  var seconds = 3.0

  @Option(help: "Only scenarios whose name contains this.")
  var scenario: String?

  @Flag(help: "One round of half a second: shows that everything works, not how fast.")
  var short = false

  @Option(help: "The file that gets the results for machines.")
  var json: String?

  func validate() throws {
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: given \(rounds), allowed: 1 to 1000") }
    guard seconds >= 0.1, seconds <= 3600 else {
      throw ValidationError("--seconds: given \(seconds), allowed: 0.1 to 3600")
    }
    guard !scenarios.isEmpty else {
      let names = ChatScenario.all.map { "\"\($0.name)\"" }.joined(separator: ", ")
      throw ValidationError("--scenario: given \"\(scenario ?? "")\", allowed: a part of \(names)")
    }
  }

  func run() throws {
    let signals = Signals()
    SignalWatch.ignoreBrokenPipes()
    let rows: [Row]
    do throws(BenchError) {
      rows = try measureAll(signals)
    } catch {
      Self.tell("\(error)")
      if case .interrupted = error { throw ExitCode(130) }
      throw ExitCode.failure
    }
    for row in rows {
      for (defect, count) in row.defects.sorted(by: { $0.key < $1.key }) {
        Self.tell("\(row.scenario), \(row.contender.name): \(count) × \(defect)")
      }
    }
    guard rows.allSatisfy({ $0.wrongRuns == 0 && $0.goodRuns > 0 }) else { throw ExitCode.failure }
  }
}

extension Bench {
  private var scenarios: [ChatScenario] {
    ChatScenario.all.filter { scenario.map($0.name.contains) ?? true }
  }

  private var measuredRounds: Int { short ? 1 : rounds }
  private var measuredSeconds: Double { short ? 0.5 : seconds }

  private func measureAll(_ signals: Signals) throws(BenchError) -> [Row] {
    let folder: TemporaryFolder
    do throws(SystemError) {
      folder = try TemporaryFolder()
    } catch {
      throw .system(error)
    }
    defer { folder.remove() }
    let bench = try workbench(folder, signals)
    let processors = bench.processors.description
    print("rounds: \(measuredRounds) of \(measuredSeconds) s, medians; \(processors)\n")
    var rows: [Row] = []
    for scenario in scenarios {
      let block = try measure(scenario, on: bench)
      print(Table(block).text)
      rows += block
    }
    guard let json else { return rows }
    let report = JSONReport(rows, rounds: measuredRounds, seconds: measuredSeconds, processors: processors)
    do throws(SystemError) {
      try SystemFile.write(report.text, to: json)
    } catch {
      throw .unwritable(path: json, error)
    }
    return rows
  }

  private func workbench(_ folder: TemporaryFolder, _ signals: Signals) throws(BenchError) -> Workbench {
    guard Program.isExecutable(gateway) else { throw .notExecutable(path: gateway, option: "--gateway") }
    if let nginx, !Program.isExecutable(nginx) { throw .notExecutable(path: nginx, option: "--nginx") }
    let nginx = nginx ?? Program.find("nginx")
    if nginx == nil { Self.tell("nginx is not installed, so there is nothing to compare with") }
    return Workbench(
      gateway: gateway, nginx: nginx, folder: folder, processors: try Processors(pinningIn: folder, signals: signals),
      signals: signals, descriptors: ProcessLimits.raiseDescriptors())
  }

  /// Measures a scenario with everybody in turn; who begins changes from round to round.
  private func measure(_ scenario: ChatScenario, on bench: Workbench) throws(BenchError) -> [Row] {
    var contenders: [Contender] = [.direct, .gateway(isQuiet: false), .gateway(isQuiet: true)]
    if bench.nginx != nil { contenders.append(.nginx) }
    var rows = contenders.map { Row(scenario: scenario.name, contender: $0) }
    for round in 0..<measuredRounds {
      for turn in rows.indices {
        let index = (turn + round) % rows.count
        let contender = rows[index].contender
        Self.tell("\(scenario.name), round \(round + 1) of \(measuredRounds): \(contender.name)")
        let window = Duration.seconds(measuredSeconds)
        rows[index].samples.append(try scenario.measure(contender, for: window, on: bench))
      }
    }
    return rows
  }

  /// Tells people on standard error how it goes; standard output is for results.
  private static func tell(_ text: String) {
    let line = Array("bench: \(text)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
  }
}
