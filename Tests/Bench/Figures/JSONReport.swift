import Wire

/// The results for machines: medians, and every round behind them.
struct JSONReport {
  private let rows: [Row]
  private let rounds: Int
  private let seconds: Double
  private let machine: Machine

  /// A report of the rows, with what has to be known to compare them.
  init(_ rows: [Row], rounds: Int, seconds: Double, machine: Machine) {
    self.rows = rows
    self.rounds = rounds
    self.seconds = seconds
    self.machine = machine
  }

  /// The JSON text, ended by a line end.
  var text: String {
    let members = [
      #""rounds": \#(rounds)"#, #""seconds": \#(seconds)"#,
      #""machine": \#(Self.object(machine.facts.map { "\(Self.quoted($0)): \(Self.quoted($1))" }))"#,
      "\"rows\": [\n    \(rows.map(row).joined(separator: ",\n    "))\n  ]",
    ]
    return "{\n  \(members.joined(separator: ",\n  "))\n}\n"
  }

  private func row(_ row: Row) -> String {
    let (quoted, object, figures) = (Self.quoted, Self.object, Self.figures)
    let rounds = row.samples.map { sample in figures { sample.figures[$0] } }
    let defects = row.defects.sorted { $0.key < $1.key }.map { "\(quoted($0.key)): \($0.value)" }
    let ratios = rows.filter { $0.scenario == row.scenario && $0.server != row.server }.compactMap { other in
      row.ratio(to: other).map { "\(quoted(other.server)): \($0)" }
    }
    return object([
      #""scenario": \#(quoted(row.scenario))"#, #""server": \#(quoted(row.server))"#,
      #""figure": \#(quoted(row.main.rawValue))"#, #""ratio_to": \#(object(ratios))"#,
      #""good_runs": \#(row.goodRuns)"#, #""wrong_runs": \#(row.wrongRuns)"#, #""defects": \#(object(defects))"#,
      #""median": \#(figures { row.median($0) })"#, #""samples": [\#(rounds.joined(separator: ", "))]"#,
    ])
  }

  private static func figures(_ value: (Figure) -> Double?) -> String {
    object(Figure.allCases.map { "\(quoted($0.rawValue)): \(value($0).map { "\($0)" } ?? "null")" })
  }

  private static func object(_ members: [String]) -> String {
    "{\(members.joined(separator: ", "))}"
  }

  private static func quoted(_ text: String) -> String {
    var literal: [UInt8] = []
    JSONScanner.append(quoted: text.utf8Span.span, to: &literal)
    return String(decoding: literal, as: UTF8.self)
  }
}
