/// What one thread has counted; those of all threads are added up at the end and for the display.
struct Tally: Sendable {
  /// Why a client was refused.
  struct Refusal: Hashable, Sendable {
    /// The status; 200 where the refusal came as an event.
    let status: Int
    /// The name of the limit, where the server says it.
    let limit: String?
  }

  /// Clients whose ramp has come.
  var started = 0
  /// Clients that are between their first connect and the head of its answer.
  var waiting = 0
  /// Requests sent, reconnects included.
  var requests: UInt64 = 0
  /// Requests sent with the place of an earlier stream to go on from.
  var reconnects: UInt64 = 0
  /// Answers by status, 200 included.
  var statuses: [Int: UInt64] = [:]
  /// Event streams that began.
  var opened: UInt64 = 0
  /// Event streams that ended as a whole.
  var ended: UInt64 = 0
  /// Event streams that broke off.
  var cut: UInt64 = 0
  /// Streams that reached a terminal event.
  var completed: UInt64 = 0
  /// Requests without an answer's end when the test ended, in chat mode.
  var unfinished: UInt64 = 0
  /// Half-open clients that the server has cut.
  var halfOpenCut: UInt64 = 0
  var refusals: [Refusal: UInt64] = [:]
  /// By limit; the empty name where the server says none.
  var evictions: [String: UInt64] = [:]
  var failures: [Failure: UInt64] = [:]
  var events: UInt64 = 0
  var comments: UInt64 = 0
  var bytes: UInt64 = 0
  /// Events with an id of the form `<name>.<seq>`.
  var marked: UInt64 = 0
  var lost: UInt64 = 0
  var duplicated: UInt64 = 0
  /// Events in which the gateway says that it left some out.
  var gapEvents: UInt64 = 0
  var latencies = Latencies()
  /// The largest share of a core that the thread took within one second, from 0 to 1.
  var busiestSecond = 0.0

  /// How many answers were refusals.
  var refused: UInt64 { refusals.values.reduce(0, +) }

  /// How many streams were taken back.
  var evicted: UInt64 { evictions.values.reduce(0, +) }

  /// How many requests failed.
  var errors: UInt64 { failures.values.reduce(0, +) }

  /// Adds what another thread has counted.
  mutating func add(_ other: Tally) {
    started += other.started
    waiting += other.waiting
    for (path, _) in Self.counts { self[keyPath: path] += other[keyPath: path] }
    statuses.merge(other.statuses, uniquingKeysWith: +)
    refusals.merge(other.refusals, uniquingKeysWith: +)
    evictions.merge(other.evictions, uniquingKeysWith: +)
    failures.merge(other.failures, uniquingKeysWith: +)
    latencies.add(other.latencies)
    busiestSecond = max(busiestSecond, other.busiestSecond)
  }

  /// The plain counts by the names that reports and expectations have for them.
  static var counts: [(path: WritableKeyPath<Tally, UInt64>, name: String)] {
    [
      (\.requests, "requests"), (\.reconnects, "reconnects"), (\.opened, "opened"), (\.ended, "ended"), (\.cut, "cut"),
      (\.completed, "completed"), (\.unfinished, "unfinished"), (\.halfOpenCut, "half_open_cut"),
      (\.events, "events"), (\.comments, "comments"), (\.bytes, "bytes"), (\.marked, "marked"), (\.lost, "lost"),
      (\.duplicated, "duplicated"), (\.gapEvents, "gap_events"),
    ]
  }
}

/// The distributions of a test.
struct Latencies: Sendable {
  /// From connect(2) to the connection.
  var connect = Latency()
  /// From the request's start, connecting included, to the head of a stream's answer.
  var answer = Latency()
  /// From the request's start, connecting included, to the stream's first event.
  var firstEvent = Latency()
  /// From the sender's time in the data to the arrival.
  var event = Latency()
  /// Between two events of one stream.
  var gap = Latency()
  /// From the first reader's arrival of an event to another's.
  var spread = Latency()

  /// Adds those of another thread.
  mutating func add(_ other: Latencies) {
    for (path, _) in Self.all { self[keyPath: path].add(other[keyPath: path]) }
  }

  /// Each with the name that reports and expectations have for it.
  static var all: [(path: WritableKeyPath<Latencies, Latency>, name: String)] {
    [
      (\.connect, "connect"), (\.answer, "answer"), (\.firstEvent, "first_event"), (\.event, "event"), (\.gap, "gap"),
      (\.spread, "spread"),
    ]
  }
}
