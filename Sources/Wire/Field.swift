/// One header field: what it is called, and where its name and value lie in the bytes of its `FieldSection`.
public struct Field: Equatable, Sendable {
  /// The name as far as the gateway knows it.
  public let name: FieldName
  /// Where the name stands, as it was received.
  public let nameRange: Range<Int>
  /// Where the value stands, without the white space around it.
  public let valueRange: Range<Int>

  /// Makes a field from its parts.
  public init(name: FieldName, nameRange: Range<Int>, valueRange: Range<Int>) {
    self.name = name
    self.nameRange = nameRange
    self.valueRange = valueRange
  }
}
