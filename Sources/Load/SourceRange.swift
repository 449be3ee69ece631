internal import Reactor

/// The addresses that clients connect from, as `--source` lists them.
enum SourceRange {
  /// The most addresses.
  static let most = 65_536

  /// Reads `127.0.0.1`, `127.0.0.1-127.0.0.200`, or several of these with commas between.
  static func addresses(_ text: String) throws(LoadError) -> [SocketAddress] {
    let option = OptionReader(option: "--source")
    let allowed =
      "numeric addresses and IPv4 ranges with commas between, as in 127.0.0.1-127.0.0.200, at most \(most) in all"
    var found: [SocketAddress] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
      if ends.count == 1, let address = SocketAddress(numeric: ends[0], port: 0) {
        found.append(address)
      } else if ends.count == 2, let first = number(ends[0]), let last = number(ends[1]), first <= last,
        Int(last - first) < most
      {
        found += (first...last).compactMap { SocketAddress(numeric: self.text($0), port: 0) }
      } else {
        throw option.refuse(text, allowed: allowed)
      }
      guard found.count <= most else { throw option.refuse(text, allowed: allowed) }
    }
    return found
  }

  private static func number(_ text: String) -> UInt32? {
    guard SocketAddress(numeric: text, port: 0) != nil, !text.contains(":") else { return nil }
    return text.split(separator: ".").reduce(0) { $0 << 8 | (UInt32($1) ?? 0) }
  }

  private static func text(_ number: UInt32) -> String {
    "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }
}
