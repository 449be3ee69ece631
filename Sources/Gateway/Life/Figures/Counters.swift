internal import Synchronization

/// One number that its worker changes and anybody may read.
final class Counter: Sendable {
  private let number = Atomic<Int>(0)

  var value: Int { number.load(ordering: .relaxed) }

  func add(_ difference: Int) {
    number.add(difference, ordering: .relaxed)
  }

  func set(_ value: Int) {
    number.store(value, ordering: .relaxed)
  }
}

/// What one worker counts; whoever reads sums over all of them.
///
/// - Thread: changed on the worker's, read on any.
struct Counters: Sendable {
  /// Connections that are open.
  let connections = Counter()
  /// Streams that were admitted and have not ended: as many as slots are held, where a limit counts them.
  let streams = Counter()
  /// Runs that go on.
  let liveRuns = Counter()
  /// Runs that have ended and can still be joined.
  let keptRuns = Counter()
  /// Feeds with an upstream request of this worker, and mirrors.
  let feeds = Counter()
  /// Muxes with a client, or waiting for it.
  let muxes = Counter()
  /// Streams that muxes carry.
  let muxStreams = Counter()
  /// What all logs occupy, in bytes.
  let logBytes = Counter()
  /// Requests for which `memory.budget` had no room.
  let memoryRefusals = Counter()
  /// Connections to upstreams that are open.
  let upstreamConnections = Counter()
  /// What is held in memory by kind, in the order of `MemoryKind.allCases`.
  private let memory = MemoryKind.allCases.map { _ in Counter() }
  /// Events that clients were sent.
  let events = Counter()
  /// Orchestrator requests that were begun.
  let upstreamRequests = Counter()
  /// Readers that lagged too far, by what became of them.
  let disconnectedReaders = Counter()
  let skippingReaders = Counter()
  let coalescedReaders = Counter()
  /// Readers for which an upstream was held back, each time anew.
  let heldReaders = Counter()
  /// Events that slow readers were not sent.
  let skippedEvents = Counter()
  /// Events that were sent to slow readers as part of others.
  let mergedEvents = Counter()
  /// Upstreams that are held back now.
  let heldUpstreams = Counter()
  /// Finished requests by the reason of their end, in the order of `CloseReason.allCases`.
  private let requests = CloseReason.allCases.map { _ in Counter() }

  /// More or fewer bytes of a kind are held.
  func held(_ difference: Int, _ kind: MemoryKind) {
    memory[kind.place].add(difference)
  }

  /// How many bytes of a kind are held.
  func heldBytes(of kind: MemoryKind) -> Int { memory[kind.place].value }

  private let handshakeOutcomes = HandshakeOutcome.allCases.map { _ in Counter() }

  /// How many handshakes went so.
  func handshakes(_ outcome: HandshakeOutcome) -> Counter {
    handshakeOutcomes[HandshakeOutcome.allCases.firstIndex(of: outcome) ?? 0]
  }

  /// How often clients went beyond each bound of `clients.http2`, in the order of `HTTP2Bound.allCases`.
  private let http2 = HTTP2Bound.allCases.map { _ in Counter() }

  /// A client went beyond a bound.
  func exceeded(_ bound: HTTP2Bound) {
    HTTP2Bound.allCases.firstIndex(of: bound).map { http2[$0].add(1) }
  }

  /// How often that was.
  func exceedings(of bound: HTTP2Bound) -> Int {
    HTTP2Bound.allCases.firstIndex(of: bound).map { http2[$0].value } ?? 0
  }

  /// A request has ended.
  func finished(_ reason: CloseReason) {
    requests[Self.place(of: reason)].add(1)
  }

  /// How many requests have ended so.
  func finished(by reason: CloseReason) -> Int {
    requests[Self.place(of: reason)].value
  }

  private static let places = Dictionary(
    uniqueKeysWithValues: CloseReason.allCases.enumerated().map { ($0.element, $0.offset) })

  private static func place(of reason: CloseReason) -> Int {
    places[reason] ?? 0
  }
}
