/// The way to one value of a JSON text: names of members, and `[0]` for the only item of an array.
public struct JSONPath: Sendable, Equatable, CustomStringConvertible {
  private enum Step: Equatable {
    case member(String)
    case onlyItem
  }

  /// The most steps that a path has.
  public static let maxSteps = 16
  private let steps: [Step]

  /// The path as it was written.
  public let description: String

  /// A path such as `choices[0].delta.content`.
  ///
  /// It is `nil` for anything else: no member first, an empty name, an item but the first, more than 16 steps.
  public init?(_ text: String) {
    var steps: [Step] = []
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      var name = part
      var items = 0
      while name.hasSuffix("[0]") {
        name = name.dropLast(3)
        items += 1
      }
      guard !name.isEmpty, name.unicodeScalars.allSatisfy({ $0 >= " " && !"[]\"\\".unicodeScalars.contains($0) }) else {
        return nil
      }
      steps.append(.member(String(name)))
      steps += Array(repeating: .onlyItem, count: items)
    }
    guard steps.count <= Self.maxSteps else { return nil }
    self.steps = steps
    description = text
  }

  /// The member of the outermost object through which it leads.
  public var first: String {
    if case .member(let name)? = steps.first { name } else { "" }
  }

  /// A pattern for texts that have there the string that is to be joined.
  ///
  /// - Parameter members: what else the outermost object has.
  /// - Returns: the pattern; whatever is beside the way is the same in every text.
  public func pattern(beside members: [JSONPattern.Member]) -> JSONPattern {
    var pattern = JSONPattern.text
    for (index, step) in steps.enumerated().reversed() {
      switch step {
      case .onlyItem: pattern = .single(pattern)
      case .member(let name):
        pattern = .object([JSONPattern.Member(name, pattern)] + (index == 0 ? members : []), others: .same)
      }
    }
    return pattern
  }
}
