internal import Bytes
internal import Streams
internal import Wire

/// What goes through a mux, in its clients' form: no type of its own, so that one listener gets all, and before the data
/// a line that says whose it is.
///
///     data: <stream> <id> <type>
///     data: <the event's data>
enum MuxMessage {
  /// The number that stands for the mux itself.
  static let own = 0

  /// Appends the lines of a message up to its data.
  ///
  /// - Parameters:
  ///   - stream: its number.
  ///   - id: the inner event's id; `nil` for none, and an empty one is told as none.
  ///   - name: what the stream is called: an id that begins with it and a dot is told without.
  ///   - type: the inner event's type; empty for none.
  ///   - output: where to.
  static func append(
    head stream: Int, id: Span<UInt8>, in name: [UInt8], type: Span<UInt8>, to output: inout [UInt8]
  ) {
    output.append("data: ")
    output.append(decimal: UInt64(stream))
    output.append(ASCII.space)
    append(id: id, in: name, to: &output)
    output.append(ASCII.space)
    if type.isEmpty { output.append("message") } else { output.append(type) }
    output.append(ASCII.lineFeed)
  }

  /// Appends a message of the gateway's own, whole.
  ///
  /// - Parameters:
  ///   - stream: its number.
  ///   - id: the inner id that goes with it; `nil` for none.
  ///   - type: its type.
  ///   - json: its data.
  ///   - output: where to; the lines but the id's and the end.
  static func append(_ stream: Int, id: [UInt8]? = nil, type: StaticString, json: [UInt8], to output: inout [UInt8]) {
    var name: [UInt8] = []
    name.append(type)
    let inner = id ?? []
    append(head: stream, id: inner.span, in: [], type: name.span, to: &output)
    append(data: json.span, to: &output)
  }

  /// Appends the line that names the message's place, and its end.
  static func append(end mux: [UInt8], _ sequence: UInt64, to output: inout [UInt8]) {
    output.append("id: ")
    output.append(mux.span)
    output.append(UInt8(ascii: "."))
    output.append(decimal: sequence)
    output.append("\n\n")
  }

  /// The last message of a mux that is not to be found any more, with an id that ends its client's retries.
  static func gone(_ id: StreamID) -> [UInt8] {
    var event: [UInt8] = []
    append(own, type: "sluice.gone", json: Array("{\"mux\":\"\(id)\"}".utf8), to: &event)
    event.append("id: \(id).\(EventID.endText)\n\n")
    return event
  }

  private static func append(data: Span<UInt8>, to output: inout [UInt8]) {
    var start = 0
    while start <= data.count {
      let end = data.firstIndex(of: ASCII.lineFeed, from: start) ?? data.count
      output.append("data: ")
      // A CR would be another line end; in JSON it is white space.
      for index in start..<end where data[index] != ASCII.carriageReturn { output.append(data[index]) }
      output.append(ASCII.lineFeed)
      start = end + 1
    }
  }

  /// An id as one word: `.52` for one of the stream's own, or percent-encoded.
  private static func append(id: Span<UInt8>, in name: [UInt8], to output: inout [UInt8]) {
    if id.isEmpty { return output.append(UInt8(ascii: "-")) }
    if !name.isEmpty, id.count > name.count, id[name.count] == UInt8(ascii: "."),
      id.extracting(first: name.count).equals(name.span)
    {
      return output.append(id.extracting(name.count...))
    }
    for index in id.indices {
      // What could be taken for one of the short forms is encoded where it stands first.
      let isMark = index == 0 && (id[index] == UInt8(ascii: ".") || id[index] == UInt8(ascii: "-"))
      if isMark || id[index] <= 0x20 || id[index] >= 0x7F || id[index] == UInt8(ascii: "%") {
        Percent.append(encoded: id[index], to: &output)
      } else {
        output.append(id[index])
      }
    }
  }
}
