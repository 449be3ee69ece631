internal import Admission
internal import Bytes
internal import Logging
internal import Reactor
internal import Streams
internal import Wire

/// One line for each finished request.
///
/// Queries, bodies and credentials never appear.
///
/// - Thread: the worker's; the line is written elsewhere.
struct AccessLog {
  private let logger: Logger

  init(_ logger: Logger) {
    self.logger = logger
  }

  /// A request came to its end.
  func finished(_ exchange: Exchange, _ reason: CloseReason, at now: Instant) {
    guard logger.logLevel <= .info else { return }
    let record = exchange.record
    var line: Logger.Metadata = [
      "route": "\(record.route)",
      "method": "\(exchange.method.name)",
      "status": "\(record.status)",
      "bytes": "\(record.bytes)",
      "duration_ms": "\((now - exchange.began).wholeMilliseconds)",
      "reason": "\(reason.rawValue)",
      "client": "\(exchange.clientAddress?.description ?? exchange.peer.host)",
    ]
    switch record.stream {
    case .run(let id): line["run"] = "\(id)"
    case .feed(let id): line["feed"] = "\(id)"
    case .mux(let id): line["mux"] = "\(id)"
    case nil: break
    }
    if let mux = record.mux { line["mux"] = "\(mux)" }
    if let limit = record.limit { line["limit"] = "\(limit)" }
    if record.stream != nil { line["events"] = "\(record.events)" }
    logger.info("request", metadata: line)
  }

  /// Bytes came that were no request.
  func rejected(_ peer: SocketAddress, status: Int, detail: String, _ reason: CloseReason) {
    guard logger.logLevel <= .info else { return }
    logger.info(
      "request",
      metadata: [
        "route": "-", "method": "-", "status": "\(status)", "reason": "\(reason.rawValue)",
        "detail": "\(detail)", "client": "\(peer.host)",
      ])
  }
}
