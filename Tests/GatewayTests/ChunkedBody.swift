/// The body of a chunked message, RFC 9112 §7.1, read strictly.
enum ChunkedBody {
  /// The payload; `nil` where anything is malformed, missing, or left over.
  static func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = bytes
    var body: [UInt8] = []
    while true {
      guard let end = rest.firstIndex(of: 13),
        let size = Int(String(decoding: rest[rest.startIndex..<end], as: UTF8.self), radix: 16),
        rest[end...].starts(with: [13, 10])
      else { return nil }
      rest = rest[(end + 2)...]
      guard rest.count >= size + 2 else { return nil }
      body += rest.prefix(size)
      rest = rest.dropFirst(size)
      guard rest.starts(with: [13, 10]) else { return nil }
      rest = rest.dropFirst(2)
      if size == 0 { return rest.isEmpty ? body : nil }
    }
  }
}
