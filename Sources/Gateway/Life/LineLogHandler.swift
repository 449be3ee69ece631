public import Logging
internal import Bytes
internal import Reactor
internal import Wire

/// How a log line looks.
public enum LogFormat: Sendable {
  /// `2026-11-22T15:00:00.123Z info event key=value`, for people.
  case text
  /// One JSON object a line, for machines.
  case json
}

/// Writes swift-log's messages as one line each: time, level, event word, then the metadata as key and value.
public struct LineLogHandler: LogHandler {
  /// What is written; lower levels are not.
  public var logLevel: Logger.Level
  /// Keys and values of every line.
  public var metadata: Logger.Metadata = [:]
  private let format: LogFormat
  private let sink: LogSink

  /// A handler that writes to a sink.
  public init(_ sink: LogSink, format: LogFormat, level: Logger.Level) {
    self.sink = sink
    self.format = format
    logLevel = level
  }

  /// One key of `metadata`.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one line.
  public func log(event: LogEvent) {
    var pairs = event.metadata ?? [:]
    pairs.merge(metadata) { own, _ in own }
    let keys = Self.inReadingOrder(pairs.keys)
    var line: [UInt8] = []
    line.reserveCapacity(256)
    switch format {
    case .text:
      line.append("\(WallClock.timestamp()) \(event.level) \(event.message)")
      for key in keys {
        line.append(" \(key)=")
        Self.append(value: "\(pairs[key] ?? "")", to: &line)
      }
    case .json:
      line.append("{\"time\":\"\(WallClock.timestamp())\",\"level\":\"\(event.level)\",\"event\":")
      JSONScanner.append(quoted: Array("\(event.message)".utf8).span, to: &line)
      for key in keys {
        let value = "\(pairs[key] ?? "")"
        line.append(",\"\(key)\":")
        if Self.numbers.contains(key), UInt64(value) != nil {
          line.append(value)
        } else {
          JSONScanner.append(quoted: Array(value.utf8).span, to: &line)
        }
      }
      line.append("}")
    }
    line.append("\n")
    sink.post(line)
  }

  /// The keys of a request's line in reading order; all others follow alphabetically.
  private static let order = [
    "route", "method", "status", "run", "feed", "events", "bytes", "duration_ms", "reason", "client",
  ]

  /// The keys whose values are JSON numbers: always, so that a consumer can rely on it.
  private static let numbers: Set<String> = [
    "bytes", "connections", "deadline_ms", "descriptors", "duration_ms", "events", "status",
  ]

  private static func inReadingOrder(_ keys: Logger.Metadata.Keys) -> [String] {
    let ranked = keys.map { (rank: order.firstIndex(of: $0) ?? order.count, key: $0) }
    return ranked.sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }.map(\.key)
  }

  /// A value that can't be mistaken for the next key, nor break the line.
  private static func append(value: String, to line: inout [UInt8]) {
    let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
    if isPlain { return line.append(value) }
    JSONScanner.append(quoted: Array(value.utf8).span, to: &line)
  }
}
