/// One scenario with one server: the samples of all rounds.
struct Row {
  /// The scenario's name.
  let scenario: String
  /// The figure that counts, and those that are told beside it.
  let main: Figure
  let columns: [Figure]
  /// Who served.
  let server: String
  /// One for each round.
  var samples: [Sample] = []

  /// The median of a figure over the rounds, `nil` where no round has it.
  func median(_ figure: Figure) -> Double? {
    let values = samples.compactMap { $0.figures[figure] }.sorted()
    guard !values.isEmpty else { return nil }
    let middle = values.count / 2
    return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
  }

  /// What this server needs as a multiple of what another needs, by the medians of the figure that counts.
  func ratio(to other: Row?) -> Double? {
    guard let other, let own = median(main), let its = other.median(main), its > 0 else { return nil }
    return own / its
  }

  /// How many runs of all rounds were right.
  var goodRuns: Int { samples.reduce(0) { $0 + $1.goodRuns } }

  /// The defects of all rounds, by their words.
  var defects: [String: Int] {
    samples.reduce(into: [:]) { $0.merge($1.defects, uniquingKeysWith: +) }
  }

  /// How many runs of all rounds were wrong.
  var wrongRuns: Int { defects.values.reduce(0, +) }
}
