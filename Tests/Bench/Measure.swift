import ArgumentParser
import Glibc
import Reactor

/// All that is asked for, measured with everybody in turn.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Measure; needs not be named.")

  @Option(help: "The gateway's binary.")
  var gateway: String

  @Option(
    parsing: .upToNextOption,
    help: "Who is measured: \(Peers.names.joined(separator: ", ")). (default: all but the last, where installed)")
  var peers: [String] = []

  @Option(help: "How often each scenario is measured with each server; the medians count.")
  var rounds = 3

  @Option(help: "How long each measurement lasts, in seconds.")
  var seconds = 3.0

  @Option(parsing: .upToNextOption, help: "Only scenarios whose name contains one of these.")
  var scenario: [String] = []

  @Option(help: "How many clients each scenario has, instead of as many as it is meant for.")
  var clients: Int?

  @Flag(help: "One round of half a second, few clients: shows that everything works, not how fast.")
  var short = false

  @Option(help: "The file that gets the results for machines.")
  var json: String?

  func validate() throws {
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: given \(rounds), allowed: 1 to 1000") }
    guard seconds >= 0.1, seconds <= 3600 else {
      throw ValidationError("--seconds: given \(seconds), allowed: 0.1 to 3600")
    }
    if let clients, !(10...100_000).contains(clients) {
      throw ValidationError("--clients: given \(clients), allowed: 10 to 100000")
    }
    for name in peers where !Peers.names.contains(name) {
      throw ValidationError("--peers: given \"\(name)\", allowed: \(Peers.names.joined(separator: ", "))")
    }
    for part in scenario where !Scenarios.all.contains(where: { $0.name.contains(part) }) {
      let names = Scenarios.all.map { "\"\($0.name)\"" }.joined(separator: ", ")
      throw ValidationError("--scenario: given \"\(part)\", allowed: a part of \(names)")
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
        Self.tell("\(row.scenario), \(row.server): \(count) × \(defect)")
      }
    }
    guard !rows.isEmpty, rows.allSatisfy({ $0.wrongRuns == 0 && $0.goodRuns > 0 }) else { throw ExitCode.failure }
  }
}

extension Measure {
  private static let shortClients = 40
  private var measuredRounds: Int { short ? 1 : rounds }
  private var measuredSeconds: Double { short ? 0.5 : seconds }

  /// Those that are asked for, each once: with other numbers of clients some are the same.
  private var scenarios: [any Scenario] {
    var names: Set<String> = []
    return Scenarios.all.filter { one in scenario.isEmpty || scenario.contains { one.name.contains($0) } }.map { one in
      var one = one
      if let number = clients ?? (short ? Self.shortClients : nil) { one.clients = number }
      return one
    }.filter { names.insert($0.name).inserted }
  }

  private func measureAll(_ signals: Signals) throws(BenchError) -> [Row] {
    let folder: TemporaryFolder
    do throws(SystemError) {
      folder = try TemporaryFolder()
    } catch {
      throw .system(error)
    }
    defer { folder.remove() }
    let bench = try workbench(folder, signals)
    print("rounds: \(measuredRounds) of \(measuredSeconds) s, medians; \(bench.processors.description)\n")
    var rows: [Row] = []
    for scenario in scenarios {
      let block = try measure(scenario, on: bench)
      print(Table(block).text)
      fflush(nil)
      rows += block
    }
    guard let json else { return rows }
    let report = JSONReport(
      rows, rounds: measuredRounds, seconds: measuredSeconds, machine: Machine(bench.processors))
    do throws(SystemError) {
      try SystemFile.write(report.text, to: json)
    } catch {
      throw .unwritable(path: json, error)
    }
    return rows
  }

  private func workbench(_ folder: TemporaryFolder, _ signals: Signals) throws(BenchError) -> Workbench {
    guard Program.isExecutable(gateway) else { throw .notExecutable(path: gateway, option: "--gateway") }
    var found: [any Peer] = []
    for name in peers.isEmpty ? Array(Peers.usual) : peers {
      if let peer = Peers.find(name, gateway: gateway) {
        found.append(peer)
      } else if peers.isEmpty {
        Self.tell("\(name) is not installed and left out")
      } else {
        throw .notInstalled(name)
      }
    }
    return Workbench(
      peers: found, folder: folder, processors: try Processors(pinningIn: folder, signals: signals),
      signals: signals, descriptors: ProcessLimits.raiseDescriptors())
  }

  /// Measures a scenario with everybody in turn; who begins changes from round to round.
  private func measure(_ scenario: any Scenario, on bench: Workbench) throws(BenchError) -> [Row] {
    let peers = bench.peers.filter { $0.serves(scenario.work) }
    var rows = peers.map {
      Row(scenario: scenario.name, main: scenario.main, columns: scenario.columns, server: $0.name)
    }
    for round in 0..<measuredRounds {
      for turn in rows.indices {
        let index = (turn + round) % rows.count
        Self.tell("\(scenario.name), round \(round + 1) of \(measuredRounds): \(rows[index].server)")
        let sample = try Trial.run(scenario, with: peers[index], for: .seconds(measuredSeconds), on: bench)
        rows[index].samples.append(sample)
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
