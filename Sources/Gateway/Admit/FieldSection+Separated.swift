internal import Wire

extension FieldSection {
  /// Names and values with an end that neither can contain: no two lists of fields are written alike.
  var separated: [UInt8] {
    var all: [UInt8] = []
    for index in 0..<count {
      all.append(contentsOf: bytes[self[index].nameRange])
      all.append(0)
      all.append(contentsOf: bytes[self[index].valueRange])
      all.append(0)
    }
    return all
  }
}
