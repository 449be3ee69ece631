internal import Bytes
internal import Wire

/// Which events end a run.
public struct TerminalRule: Sendable {
  private let names: [[UInt8]]
  private let field: [UInt8]

  /// A rule from the names of the terminal events and the JSON field of an event's data that may hold one.
  public init(names: [String], field: String) {
    self.names = names.map { Array($0.utf8) }
    self.field = Array(field.utf8)
  }

  /// Whether an event is terminal.
  ///
  /// By its type, by the field of its data, or because its data is the literal `[DONE]`.
  public func matches(type: Span<UInt8>, data: Span<UInt8>) -> Bool {
    if !type.isEmpty, names.contains(where: { type.equals($0.span) }) { return true }
    if data.count == 6, data.equals("[DONE]") { return true }
    guard let range = JSONScanner.topLevelString(field.span, of: data) else { return false }
    let value = data.extracting(range)
    return names.contains { JSONScanner.stringEquals(value, $0.span) }
  }
}
