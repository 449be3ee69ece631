internal import Bytes

/// A run as it is written to a file at the end of a process, and read at the beginning of the next.
///
/// Numbers are big endian; texts and bytes have their length before them, four bytes long.
public struct RunRecord: Equatable, Sendable {
  /// A client's own name for its request.
  public struct Key: Equatable, Sendable {
    /// Whose name it is; empty where nobody showed an identity.
    public var principal: [UInt8]
    /// The name.
    public var text: String
    /// The digest of what was sent under it.
    public var payload: [UInt8]

    /// Puts a key together.
    public init(principal: [UInt8], text: String, payload: [UInt8]) {
      self.principal = principal
      self.text = text
      self.payload = payload
    }
  }

  /// The run.
  public var id: StreamID
  /// The route on which it was begun.
  public var route: String
  /// Who began it; empty where nobody showed an identity.
  public var principal: [UInt8]
  /// The client's own name for the request that began it.
  public var key: Key?
  /// Why it ended, one word; empty where the orchestrator ended it.
  public var failure: String
  /// The sequence of the first event in `events`.
  public var oldest: UInt64
  /// The events as readers get them.
  public var events: [[UInt8]]

  /// Puts a record together.
  public init(
    id: StreamID, route: String, principal: [UInt8], key: Key?, failure: String, oldest: UInt64, events: [[UInt8]]
  ) {
    self.id = id
    self.route = route
    self.principal = principal
    self.key = key
    self.failure = failure
    self.oldest = oldest
    self.events = events
  }

  /// The record's bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256 + events.reduce(0) { $0 + $1.count + 4 })
    append(id.text, to: &bytes)
    append(Array(route.utf8), to: &bytes)
    append(principal, to: &bytes)
    bytes.append(key == nil ? 0 : 1)
    if let key {
      append(key.principal, to: &bytes)
      append(Array(key.text.utf8), to: &bytes)
      append(key.payload, to: &bytes)
    }
    append(Array(failure.utf8), to: &bytes)
    append(number: oldest, byteCount: 8, to: &bytes)
    append(number: UInt64(events.count), byteCount: 4, to: &bytes)
    for event in events { append(event, to: &bytes) }
    return bytes
  }

  /// A record from its bytes; `nil` for anything that `bytes` would not give.
  public init?(_ bytes: [UInt8]) {
    var reader = Reader(bytes)
    guard let idText = reader.bytes(), let id = StreamID(idText.span), let route = reader.text(),
      let principal = reader.bytes(), let hasKey = reader.number(byteCount: 1), hasKey < 2
    else { return nil }
    var key: Key?
    if hasKey == 1 {
      guard let principal = reader.bytes(), let text = reader.text(), let payload = reader.bytes() else { return nil }
      key = Key(principal: principal, text: text, payload: payload)
    }
    guard let failure = reader.text(), let oldest = reader.number(byteCount: 8), oldest > 0,
      let count = reader.number(byteCount: 4)
    else { return nil }
    var events: [[UInt8]] = []
    for _ in 0..<count {
      guard let event = reader.bytes() else { return nil }
      events.append(event)
    }
    guard reader.isAtEnd, oldest <= UInt64.max - count else { return nil }
    self.init(id: id, route: route, principal: principal, key: key, failure: failure, oldest: oldest, events: events)
  }

  private func append(_ text: [UInt8], to bytes: inout [UInt8]) {
    append(number: UInt64(text.count), byteCount: 4, to: &bytes)
    bytes.append(text.span)
  }

  private func append(number: UInt64, byteCount: Int, to bytes: inout [UInt8]) {
    for shift in (0..<byteCount).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> (UInt64(shift) * 8))) }
  }

  private struct Reader {
    private let all: [UInt8]
    private var offset = 0

    init(_ all: [UInt8]) {
      self.all = all
    }

    var isAtEnd: Bool { offset == all.count }

    mutating func number(byteCount: Int) -> UInt64? {
      guard all.count - offset >= byteCount else { return nil }
      defer { offset += byteCount }
      return all[offset..<(offset + byteCount)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func bytes() -> [UInt8]? {
      guard let count = number(byteCount: 4), count <= UInt64(all.count - offset) else { return nil }
      defer { offset += Int(count) }
      return Array(all[offset..<(offset + Int(count))])
    }

    mutating func text() -> String? {
      bytes().flatMap { String(validating: $0, as: UTF8.self) }
    }
  }
}
