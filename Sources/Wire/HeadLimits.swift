/// How large the head of a message may be.
public struct HeadLimits: Equatable, Sendable {
  /// The most bytes of a head, from the first of its first line to the last of its empty line.
  public var headBytes: Int
  /// The most bytes of a request target.
  public var targetBytes: Int
  /// The most fields.
  public var fields: Int

  /// Makes limits; each is the largest number that is still accepted.
  public init(headBytes: Int, targetBytes: Int, fields: Int = 100) {
    self.headBytes = headBytes
    self.targetBytes = targetBytes
    self.fields = fields
  }
}
