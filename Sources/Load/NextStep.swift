internal import Reactor

/// How a request has ended.
enum Ending: Equatable {
  /// A stream reached a terminal event.
  case completed
  /// A stream ended as a whole, without a terminal event.
  case ended
  /// A stream broke off.
  case cut
  /// The server refused, by status or within the stream.
  case refused(status: Int)
  /// There is nothing more to come.
  case noContent
  /// No answer, or one without sense.
  case failed(Failure)
}

/// What a client does once its request has ended.
enum NextStep: Equatable {
  /// Another request, after a while.
  case request(after: Duration)
  /// The same request again, from where the stream broke off, after a while.
  case resume(after: Duration)
  /// Nothing any more.
  case leave

  /// What was said about waiting.
  struct Hints: Equatable {
    /// The stream's `retry`.
    var retry: Duration?
    /// The refusal's Retry-After.
    var retryAfter: Duration?
    /// A random number from 0 to 1, so that those cut together don't come back together.
    var jitter = 0.0
  }

  /// Statuses after which coming back makes sense.
  private static let passing: Set<Int> = [200, 408, 425, 429, 500, 502, 503, 504]

  /// Decides.
  ///
  /// Like a browser a client of streams comes back after every end, after the server's `retry` at least and a quarter
  /// more at most. Unlike an EventSource it also does so after a refusal that may pass, as clients on fetch do.
  ///
  /// - Parameters:
  ///   - ending: how the request ended.
  ///   - isResuming: whether the request itself went on from an earlier one.
  ///   - plan: modes and times.
  ///   - hints: what the server said, and chance.
  /// - Returns: what the client does, and after how long.
  static func after(_ ending: Ending, isResuming: Bool, _ plan: Plan, _ hints: Hints) -> NextStep {
    let comeBack = (hints.retry ?? plan.times.reconnectDelay) * (1 + hints.jitter / 4)
    let backOff = max(hints.retryAfter ?? plan.times.backoff, .milliseconds(1)) * (1 + hints.jitter / 4)
    switch plan.mode {
    case .chat:
      switch ending {
      case .completed, .ended, .noContent: return .request(after: plan.times.think)
      case .cut: return plan.reconnects ? .resume(after: comeBack) : .request(after: plan.times.think)
      case .refused(let status):
        let wait = status == 200 && hints.retry != nil ? comeBack : backOff
        return isResuming && passing.contains(status)
          ? .resume(after: wait) : .request(after: max(wait, plan.times.think))
      case .failed: return isResuming ? .resume(after: backOff) : .request(after: max(backOff, plan.times.think))
      }
    case .subscribe:
      guard plan.reconnects else { return .leave }
      switch ending {
      case .completed, .ended, .cut: return .resume(after: comeBack)
      case .refused(200): return .resume(after: comeBack)
      case .refused(let status): return passing.contains(status) ? .resume(after: backOff) : .leave
      case .noContent, .failed(.notAStream), .failed(.badAnswer): return .leave
      case .failed: return .resume(after: backOff)
      }
    }
  }
}
