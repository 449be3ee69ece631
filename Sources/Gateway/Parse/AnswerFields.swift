internal import Wire

extension FieldSection {
  /// Appends every field of another section, in order.
  mutating func append(contentsOf other: FieldSection) {
    for index in 0..<other.count { append(other[index], of: other) }
  }
}
