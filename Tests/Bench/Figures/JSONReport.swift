import Wire

/// The results for machines: medians, and every round behind them.
struct JSONReport {
  private let rows: [Row]
  private let rounds: Int
  private let seconds: Double
  private let processors: String

  /// A report of the rows, with what has to be known to compare them.
  init(_ rows: [Row], rounds: Int, seconds: Double, processors: String) {
    self.rows = rows
    self.rounds = rounds
    self.seconds = seconds
    self.processors = processors
  }

  /// The JSON text, ended by a line end.
  var text: String {
    let members = [
      #""rounds": \#(rounds)"#, #""seconds": \#(seconds)"#, #""processors": \#(Self.quoted(processors))"#,
      "\"rows\": [\n    \(rows.map(Self.row).joined(separator: ",\n    "))\n  ]",
    ]
    return "{\n  \(members.joined(separator: ",\n  "))\n}\n"
  }

  private static func row(_ row: Row) -> String {
    let rounds = row.samples.map { sample in figures { sample.figures[$0] } }
    let defects = row.defects.sorted { $0.key < $1.key }.map { "\(quoted($0.key)): \($0.value)" }
    return object([
      #""scenario": \#(quoted(row.scenario))"#, #""server": \#(quoted(row.contender.name))"#,
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
