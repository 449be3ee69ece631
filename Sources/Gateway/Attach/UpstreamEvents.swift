internal import Bytes
internal import Wire

/// Turns the body of an orchestrator's answer into events, by what its head says it is.
///
/// - Bound: one event, `streams.event_size`.
enum UpstreamEvents {
  case eventStream(SSEDecoder)
  case lines(LineDecoder)

  /// What waits for the rest of its event.
  var unfinishedBytes: Int {
    switch self {
    case .eventStream(let decoder): decoder.unfinishedBytes
    case .lines(let decoder): decoder.unfinishedBytes
    }
  }

  /// A decoder for an answer; `nil` where its media type is none of a stream of events.
  ///
  /// Orchestrators often label an event stream `text/plain`, or not at all.
  init?(_ head: ResponseHead, maxEventBytes: Int) {
    if let coding = head.fields.string(.contentEncoding), coding != "identity" { return nil }
    guard let range = head.fields.first(.contentType) else {
      self = .eventStream(SSEDecoder(maxEventBytes: maxEventBytes))
      return
    }
    switch MediaType.essence(of: head.fields.bytes.span.extracting(range)) {
    case "text/event-stream", "text/plain":
      self = .eventStream(SSEDecoder(maxEventBytes: maxEventBytes))
    case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
      self = .lines(LineDecoder(maxEventBytes: maxEventBytes))
    default:
      return nil
    }
  }
}
