internal import Admission
internal import Bytes
internal import Settings
internal import Wire

/// What a client gets for which a limit has no room.
enum LimitAnswer {
  /// The answer in the form that the route wants.
  ///
  /// - Parameters:
  ///   - refusal: which limit, and why.
  ///   - form: what the route says.
  ///   - method: the request's; only a GET may come from an EventSource.
  /// - Returns: a status with `Retry-After` and a problem document, or a stream of one event that ends.
  static func response(_ refusal: LimitRefusal, _ form: RefusalForm, to method: Wire.Method) -> Response {
    let seconds = Int.random(in: refusal.retryAfterSeconds)
    if form == .stream, method == .get {
      var response = Response(Attach.streamHead(), body: busy(refusal, retryAfter: seconds), reason: .limited)
      response.limit = refusal.limit.name
      return response
    }
    var response = Problem.response(
      status: refusal.status, detail: "\(refusal)", reason: .limited,
      members: [("limit", refusal.limit.name), ("bound", refusal.bound)])
    response.limit = refusal.limit.name
    response.head.fields.append("Retry-After", "\(seconds)")
    return response
  }

  /// An event that says so within a stream, and the time after which another try makes sense.
  static func busy(_ refusal: LimitRefusal, retryAfter seconds: Int) -> [UInt8] {
    busy(refusal.limit.name, bound: refusal.bound, retryAfter: seconds)
  }

  /// An event that says which bound has no room within a stream, and when another try makes sense.
  static func busy(_ name: String, bound: String, retryAfter seconds: Int) -> [UInt8] {
    var data: [UInt8] = []
    data.append("{\"limit\":")
    JSONScanner.append(quoted: Array(name.utf8).span, to: &data)
    data.append(",\"bound\":")
    JSONScanner.append(quoted: Array(bound.utf8).span, to: &data)
    data.append(",\"retry_after\":\(seconds)}")
    var body: [UInt8] = []
    // Spread over a second, for those who hear the same number.
    body.append("retry: \(seconds * 1000 + Int.random(in: 0..<1000))\n")
    let type = Array("sluice.busy".utf8)
    SSEEncoder.append(id: nil, type: type.span, data: data.span, to: &body)
    return body
  }
}
