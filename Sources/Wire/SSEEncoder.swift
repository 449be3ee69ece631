internal import Bytes

/// Writes event streams that every decoder reads alike (WHATWG HTML §9.2.5): LF line ends, one space after each colon.
///
/// The id is an event's last line: some clients take it as seen when the line has come, not when the event has, and
/// one that is cut in between would never ask for the event again.
/// No byte of an id or a type can end its line: both are cut at the first CR, LF or NUL. In data each of CR LF, CR and
/// LF begins another `data` line.
public enum SSEEncoder {
  /// A comment line that keeps a connection alive; without a blank line, on which some clients fire an empty event.
  public static let heartbeat: StaticString = ": hb\n"

  /// Appends one event.
  ///
  /// - Parameters:
  ///   - idPrefix: what the id begins with, before a dot and the sequence number.
  ///   - sequence: the number of the event in its stream.
  ///   - type: the event type; empty for none.
  ///   - data: the data, valid UTF-8; empty data is an event all the same.
  ///   - output: where to.
  public static func append(
    idPrefix: Span<UInt8>, sequence: UInt64, type: Span<UInt8>, data: Span<UInt8>, to output: inout [UInt8]
  ) {
    appendFields(type: type, data: data, to: &output)
    appendID(idPrefix, sequence, to: &output)
    output.append(ASCII.lineFeed)
  }

  /// Appends one event with an id of any form, or none where `id` is `nil`.
  ///
  /// - Parameters:
  ///   - id: the whole id; an empty one resets what the client remembers.
  ///   - type: the event type; empty for none.
  ///   - data: the data, valid UTF-8.
  ///   - output: where to.
  public static func append(
    id: [UInt8]?, type: Span<UInt8>, data: Span<UInt8>, to output: inout [UInt8]
  ) {
    appendFields(type: type, data: data, to: &output)
    if let id {
      output.append("id: ")
      output.append(id.span.extracting(..<lineEnd(id.span)))
      output.append(ASCII.lineFeed)
    }
    output.append(ASCII.lineFeed)
  }

  /// Appends the block that begins a stream: it fires nothing, sets the reconnection time and has the id stored.
  ///
  /// - Parameters:
  ///   - retryMilliseconds: the reconnection time.
  ///   - idPrefix: what the id begins with, before a dot and the sequence number.
  ///   - sequence: the number of the last event that the client does not need.
  ///   - output: where to.
  public static func appendPriming(
    retryMilliseconds: UInt64, idPrefix: Span<UInt8>, sequence: UInt64, to output: inout [UInt8]
  ) {
    output.append("retry: ")
    output.append(decimal: retryMilliseconds)
    output.append(ASCII.lineFeed)
    appendID(idPrefix, sequence, to: &output)
    output.append(ASCII.lineFeed)
  }

  private static func appendID(_ prefix: Span<UInt8>, _ sequence: UInt64, to output: inout [UInt8]) {
    output.append("id: ")
    output.append(prefix.extracting(..<lineEnd(prefix)))
    output.append(UInt8(ascii: "."))
    output.append(decimal: sequence)
    output.append(ASCII.lineFeed)
  }
}

extension SSEEncoder {
  private static func appendFields(type: Span<UInt8>, data: Span<UInt8>, to output: inout [UInt8]) {
    let typeEnd = lineEnd(type)
    if typeEnd > 0 {
      output.append("event: ")
      output.append(type.extracting(..<typeEnd))
      output.append(ASCII.lineFeed)
    }
    var lines = LineScanner()
    var offset = 0
    while let range = lines.next(in: data, at: &offset) { appendLine(data.extracting(range), to: &output) }
    // What follows the last line end is a line too, also when it is empty.
    appendLine(data.extracting(offset...), to: &output)
  }

  private static func appendLine(_ line: Span<UInt8>, to output: inout [UInt8]) {
    output.append("data: ")
    output.append(line)
    output.append(ASCII.lineFeed)
  }

  /// Where the part of an id or type ends that may be written.
  private static func lineEnd(_ text: Span<UInt8>) -> Int {
    var index = 0
    while let control = text.firstIndex(ofControlOr: 0, 0, from: index) {
      let byte = text[control]
      if byte == 0 || byte == ASCII.lineFeed || byte == ASCII.carriageReturn { return control }
      index = control + 1
    }
    return text.count
  }
}
