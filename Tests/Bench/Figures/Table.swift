/// The medians as a plain table: a block for each scenario, a line for each contender.
struct Table {
  private static let headings = [
    "server", "CPU µs/event", "× nginx", "events/s", "first p50 ms", "first p99 ms", "event p50 ms", "event p99 ms",
    "RSS KiB/run", "server CPU", "bench CPU", "others CPU", "runs", "wrong",
  ]
  /// From how many processors on that others keep busy a reader is warned.
  private static let disturbing = 0.1
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
      text += "\(scenario)\n" + Self.aligned([Self.headings] + block.map { cells($0, in: block) })
      text += Self.warning(block)
    }
    return text
  }

  /// A server that must wait for its processor finds more events at a time, and each then costs less.
  private static func warning(_ block: ArraySlice<Row>) -> String {
    let most = block.flatMap(\.samples).compactMap { $0.figures[.othersLoad] }.max() ?? 0
    guard most >= disturbing else { return "" }
    return "  others kept up to \(fixed(most, digits: 2)) processors busy: these figures can't be compared\n"
  }

  private func cells(_ row: Row, in block: ArraySlice<Row>) -> [String] {
    let cost = row.median(.microsecondsPerEvent)
    let nginx = block.first { $0.contender == .nginx }?.median(.microsecondsPerEvent)
    var ratio: Double?
    if let cost, let nginx, nginx > 0, row.contender != .direct { ratio = cost / nginx }
    return [
      row.contender.name,
      Self.cell(cost, digits: 2),
      Self.cell(ratio, digits: 2),
      Self.cell(row.median(.eventsPerSecond), digits: 0),
      Self.cell(row.median(.firstEventP50), digits: 2),
      Self.cell(row.median(.firstEventP99), digits: 2),
      Self.cell(row.median(.eventP50), digits: 2),
      Self.cell(row.median(.eventP99), digits: 2),
      Self.cell(row.median(.bytesPerRun).map { $0 / 1024 }, digits: 1),
      Self.cell(row.median(.serverLoad), digits: 2),
      Self.cell(row.median(.benchLoad), digits: 2),
      Self.cell(row.median(.othersLoad), digits: 2),
      "\(row.goodRuns)",
      "\(row.wrongRuns)",
    ]
  }

  private static func cell(_ value: Double?, digits: Int) -> String {
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
