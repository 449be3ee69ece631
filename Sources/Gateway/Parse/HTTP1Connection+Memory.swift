// What a connection counts for beyond itself.

extension HTTP1Connection {
  /// Tells what is held here now: bytes that are no whole request yet, and an answer that the client has not taken.
  ///
  /// Called after whatever may have changed that; an event that waits for a reader lies in its log, and counts there.
  func account() {
    let requests = Int32(clamping: takenInput)
    // What a stream's answer begins with is written at the end of the turn, unless its client takes nothing.
    let framed = isBlocked ? framing?.unsent.count ?? 0 : 0
    let answers = Int32(clamping: unsentAnswer.count + framed + (farewell?.count ?? 0))
    guard requests != accounted.requests || answers != accounted.answers else { return }
    receiver.holds(requests: Int(requests - accounted.requests), answers: Int(answers - accounted.answers))
    accounted = (requests, answers)
  }
}
