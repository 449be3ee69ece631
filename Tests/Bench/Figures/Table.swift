/// The medians as a plain table: a block for each scenario, a line for each server.
struct Table {
  /// What is told of every scenario.
  private static let always: [Figure] = [.serverLoad, .benchLoad, .othersLoad]
  /// From how many processors on that others keep busy a reader is warned.
  private static let disturbing = 0.1
  /// From how much of their processor on the clients are what limits a rate.
  private static let full = 0.95
  private let rows: [Row]

  /// A table of the rows, those of a scenario one after another.
  init(_ rows: [Row]) {
    self.rows = rows
  }

  /// The text, each line ended.
  var text: String {
    var text = ""
    var rest = rows[...]
    while let scenario = rest.first?.scenario {
      let block = rest.prefix { $0.scenario == scenario }
      rest = rest.dropFirst(block.count)
      text += "\(scenario)\n" + Self.aligned([Self.headings(block)] + block.map { Self.cells($0, in: block) })
      text += Self.warning(block)
    }
    return text
  }

  /// Clients that must wait for theirs see less come in, and later, than the server could have given.
  ///
  /// A server that must wait for its processor finds more events at a time, and each then costs less.
  private static func warning(_ block: ArraySlice<Row>) -> String {
    let samples = block.flatMap(\.samples)
    let others = samples.compactMap { $0.figures[.othersLoad] }.max() ?? 0
    let own = samples.compactMap { $0.figures[.benchLoad] }.max() ?? 0
    var text = ""
    if own >= full {
      text += "  the clients kept their processor busy: rates and times are theirs rather than the servers'\n"
    }
    if others >= disturbing {
      text += "  others kept up to \(fixed(others, digits: 2)) processors busy: these figures can't be compared\n"
    }
    return text
  }

  private static func headings(_ block: ArraySlice<Row>) -> [String] {
    guard let row = block.first else { return [] }
    let figures = (row.columns + always).map(\.heading)
    return ["server", "clients", row.main.heading, "× floor", "sluice ÷ it"] + figures + ["right", "wrong"]
  }

  private static func cells(_ row: Row, in block: ArraySlice<Row>) -> [String] {
    // Memory has no floor: what the kernel keeps for a connection is not the process's.
    let floor = row.main == .bytesPerClient ? nil : block.first { $0.server == "floor" }
    let gateway = block.first { $0.server == "sluice" }
    let figures = [row.main] + row.columns + always
    var cells = figures.map { figure in row.median(figure).map { figure.text($0) } ?? "-" }
    cells.insert(contentsOf: [cell(row.ratio(to: floor)), cell(gateway?.ratio(to: row))], at: 1)
    cells.insert(contentsOf: [row.server, cell(row.median(.clients), digits: 0)], at: 0)
    return cells + ["\(row.goodRuns)", "\(row.wrongRuns)"]
  }

  private static func cell(_ value: Double?, digits: Int = 2) -> String {
    value.map { fixed($0, digits: digits) } ?? "-"
  }

  /// A number of at least 0 with so many digits behind the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return "\(scaled)" }
    let fraction = "\(scaled % scale)"
    return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.utf8.count) + fraction
  }

  /// Columns as wide as their widest cell, the first to the left, numbers to the right.
  private static func aligned(_ lines: [[String]]) -> String {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { cells in
      let padded = cells.indices.map { column in
        let blanks = String(repeating: " ", count: widths[column] - cells[column].count)
        return column == 0 ? cells[column] + blanks : blanks + cells[column]
      }
      return "  " + padded.joined(separator: "  ") + "\n"
    }.joined()
  }
}
