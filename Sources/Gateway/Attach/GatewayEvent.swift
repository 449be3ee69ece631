internal import Bytes
internal import Wire

/// Events that the gateway writes into a stream itself, in the shape that its clients expect.
enum GatewayEvent {
  /// The data of the error event that ends a run without a terminal event of its own.
  ///
  /// - Parameters:
  ///   - reason: one word of `CloseReason`.
  ///   - field: the field in which the route's events carry their name, `streams.terminal_field`.
  ///   - status: the orchestrator's status where that was the reason.
  ///   - limit: the limit's name where that was the reason.
  /// - Returns: one line of JSON.
  static func error(_ reason: CloseReason, in field: String, status: Int? = nil, limit: String? = nil) -> [UInt8] {
    var data: [UInt8] = []
    data.append("{")
    JSONScanner.append(quoted: Array(field.utf8).span, to: &data)
    data.append(":\"error\",\"source\":\"gateway\",\"reason\":\"")
    data.append(reason.rawValue)
    data.append("\"")
    if let status {
      data.append(",\"status\":")
      data.append(decimal: UInt64(status))
    }
    if let limit {
      data.append(",\"limit\":")
      JSONScanner.append(quoted: Array(limit.utf8).span, to: &data)
    }
    data.append("}")
    return data
  }

  /// The type of the event that tells a reader of events it can't have any more.
  static let gapType = Array("sluice.gap".utf8)

  /// The data of that event, where the sequences of the lost events are known.
  static func gap(_ lost: ClosedRange<UInt64>) -> [UInt8] {
    var data: [UInt8] = []
    data.append("{\"from\":")
    data.append(decimal: lost.lowerBound)
    data.append(",\"to\":")
    data.append(decimal: lost.upperBound)
    data.append("}")
    return data
  }

  /// The data of that event, where all that is known is the id after which events are missing.
  ///
  /// - Parameter id: the last id before the gap; `nil` where the upstream gives none.
  /// - Returns: one line of JSON.
  static func gap(afterID id: [UInt8]?) -> [UInt8] {
    var data: [UInt8] = []
    data.append("{\"from\":")
    if let id { JSONScanner.append(quoted: id.span, to: &data) } else { data.append("null") }
    data.append(",\"to\":null}")
    return data
  }
}
