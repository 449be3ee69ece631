/// Finds the word that was probably meant.
enum Suggestion {
  /// The candidate nearest to a word.
  ///
  /// - Parameters:
  ///   - word: what was written; case, hyphens and underscores do not count.
  ///   - candidates: what could have been.
  /// - Returns: `nil` where none is near enough for a slip: a letter in three at most.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    guard word.count <= 64 else { return nil }
    let letters = normalized(word)
    let measured = candidates.map { (name: $0, distance: distance(letters, normalized($0))) }
    guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(letters.count, best.name.count) / 3 ? best.name : nil
  }

  private static func normalized(_ word: String) -> [Character] {
    word.lowercased().filter { $0 != "_" && $0 != "-" }
  }

  /// The number of letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (left[row] == right[column] ? 0 : 1))
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }
}
