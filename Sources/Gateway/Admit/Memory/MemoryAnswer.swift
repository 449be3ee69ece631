internal import Bytes
internal import Settings
internal import Wire

/// What a client gets for whom `memory.budget` has no room.
enum MemoryAnswer {
  /// The setting: in the answer, the log and this file the same word.
  static let setting = "memory.budget"
  /// When another try makes sense, in seconds: nobody knows, so clients are spread.
  private static let retryAfterSeconds = 1...5

  /// The answer in the form that the route wants.
  ///
  /// - Parameters:
  ///   - budgetBytes: the budget.
  ///   - form: what the route says.
  ///   - method: the request's; only a GET may come from an EventSource.
  /// - Returns: 503 with `Retry-After` and a problem document, or a stream of one event that ends.
  static func response(_ budgetBytes: Int, _ form: RefusalForm, to method: Wire.Method) -> Response {
    let seconds = Int.random(in: retryAfterSeconds)
    let bound = "\(MemoryBound.bytes(budgetBytes))"
    var response: Response
    if form == .stream, method == .get {
      let body = LimitAnswer.busy(setting, bound: bound, retryAfter: seconds)
      response = Response(Attach.streamHead(), body: body, reason: .memoryBudget)
    } else {
      response = Problem.response(
        status: 503, detail: "the gateway has no memory for more work at this time (\(setting))", reason: .memoryBudget,
        members: [("limit", setting), ("bound", bound)])
      response.head.fields.append("Retry-After", "\(seconds)")
    }
    response.limit = setting
    return response
  }
}
