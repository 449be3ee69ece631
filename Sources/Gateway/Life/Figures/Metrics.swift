internal import Admission

/// The gateway's figures as text: the exposition format of Prometheus, version 0.0.4.
struct Metrics {
  private var text = ""

  /// Sums over all workers.
  ///
  /// - Parameters:
  ///   - counters: every worker's.
  ///   - slots: what limits count.
  ///   - budget: what memory there is.
  init(_ counters: [Counters], _ slots: SlotFigures, _ budget: MemoryBudget) {
    func sum(_ counter: KeyPath<Counters, Counter>) -> Int {
      counters.reduce(0) { $0 + $1[keyPath: counter].value }
    }
    gauge("sluice_connections", "Open client connections.", sum(\.connections))
    gauge("sluice_streams", "Streams that were admitted and have not ended.", sum(\.streams))
    gauge("sluice_runs_live", "Runs that go on.", sum(\.liveRuns))
    gauge("sluice_runs_kept", "Runs that have ended and can still be joined.", sum(\.keptRuns))
    gauge("sluice_feeds", "Feeds and their mirrors.", sum(\.feeds))
    gauge("sluice_muxes", "Muxes with a client, or waiting for it.", sum(\.muxes))
    gauge("sluice_mux_streams", "Streams that muxes carry (mux.streams).", sum(\.muxStreams))
    gauge("sluice_log_bytes", "What all logs occupy (streams.budget).", sum(\.logBytes))
    counter("sluice_events_sent_total", "Events that clients were sent.", sum(\.events))
    counter("sluice_upstream_requests_total", "Orchestrator requests that were begun.", sum(\.upstreamRequests))
    head("sluice_slow_readers_total", "counter", "Readers that lagged too far, by what became of them.")
    for (policy, count) in Self.slowReaders {
      line("sluice_slow_readers_total", [("policy", policy)], sum(count))
    }
    counter("sluice_events_skipped_total", "Events that slow readers were not sent.", sum(\.skippedEvents))
    counter(
      "sluice_events_merged_total", "Events that slow readers were sent as part of others.", sum(\.mergedEvents))
    gauge("sluice_upstreams_held", "Upstreams that are held back for a slow reader.", sum(\.heldUpstreams))
    head("sluice_tls_handshakes_total", "counter", "TLS handshakes of clients by how they went.")
    for outcome in HandshakeOutcome.allCases {
      let count = counters.reduce(0) { $0 + $1.handshakes(outcome).value }
      line("sluice_tls_handshakes_total", [("result", outcome.rawValue)], count)
    }
    head("sluice_requests_total", "counter", "Finished requests by the reason of their end.")
    for reason in CloseReason.allCases {
      let count = counters.reduce(0) { $0 + $1.finished(by: reason) }
      line("sluice_requests_total", [("reason", reason.rawValue)], count)
    }
    head("sluice_http2_exceeded_total", "counter", "Times that clients went beyond a bound of clients.http2.")
    for bound in HTTP2Bound.allCases {
      let count = counters.reduce(0) { $0 + $1.exceedings(of: bound) }
      line("sluice_http2_exceeded_total", [("bound", bound.rawValue)], count)
    }
    append(slots)
    append(counters, budget)
  }

  /// The text.
  var bytes: [UInt8] { Array(text.utf8) }

  private mutating func append(_ slots: SlotFigures) {
    head(
      "sluice_slots_open", "gauge", "Slots that were given out and not released; of streams, as many as sluice_streams."
    )
    for group in LimitGroup.allCases { line("sluice_slots_open", [("group", "\(group)")], slots.open(group)) }
    for (name, kind, help, value) in Self.atLimits {
      head(name, kind, help)
      for limit in slots.limits { line(name, [("limit", limit.name)], value(limit)) }
    }
  }

  private mutating func append(_ counters: [Counters], _ budget: MemoryBudget) {
    func sum(_ counter: KeyPath<Counters, Counter>) -> Int {
      counters.reduce(0) { $0 + $1[keyPath: counter].value }
    }
    let connections = [("client", sum(\.connections)), ("upstream", sum(\.upstreamConnections))]
    head("sluice_memory_bytes", "gauge", "What is held of memory.budget, by what it is for.")
    for kind in MemoryKind.allCases {
      line("sluice_memory_bytes", [("kind", "\(kind)")], counters.reduce(0) { $0 + $1.heldBytes(of: kind) })
    }
    gauge("sluice_memory_budget_bytes", "What may be held together (memory.budget).", budget.bytes)
    counter(
      "sluice_memory_refused_total", "Requests for which memory.budget had no room.", sum(\.memoryRefusals))
    head("sluice_memory_connections", "gauge", "Open connections that memory.budget counts.")
    for (kind, count) in connections { line("sluice_memory_connections", [("kind", kind)], count) }
    head("sluice_memory_connection_bytes", "gauge", "What memory.budget counts for a connection without its buffers.")
    line("sluice_memory_connection_bytes", [("kind", "client")], MemoryCost.connection)
    line("sluice_memory_connection_bytes", [("kind", "client_request")], MemoryCost.exchange)
    line("sluice_memory_connection_bytes", [("kind", "client_stream")], MemoryCost.reader)
    line("sluice_memory_connection_bytes", [("kind", "upstream")], MemoryCost.upstreamConnection)
    gauge(
      "sluice_memory_kernel_bytes", "About what the kernel has for open connections; not part of memory.budget.",
      connections.reduce(0) { $0 + $1.1 } * MemoryCost.kernelBytes)
  }

  /// By the words of the settings.
  private static var slowReaders: [(policy: String, count: KeyPath<Counters, Counter>)] {
    [
      ("disconnect", \.disconnectedReaders), ("skip", \.skippingReaders), ("coalesce", \.coalescedReaders),
      ("backpressure", \.heldReaders),
    ]
  }

  private static let atLimits:
    [(name: String, kind: String, help: String, value: @Sendable (SlotFigures.AtLimit) -> Int)] = [
      ("sluice_limit_held", "gauge", "Slots that count for a limit.", { $0.held }),
      ("sluice_limit_waiting", "gauge", "Claims that wait at a limit.", { $0.waiting }),
      ("sluice_limit_keys", "gauge", "Keys for which a limit remembers something.", { $0.keys }),
      ("sluice_limit_refused_total", "counter", "Claims that a limit has refused.", { Int(clamping: $0.refused) }),
      ("sluice_limit_evicted_total", "counter", "Slots that a limit has told to end.", { Int(clamping: $0.evicted) }),
    ]

  private mutating func gauge(_ name: String, _ help: String, _ value: Int) {
    head(name, "gauge", help)
    line(name, [], value)
  }

  private mutating func counter(_ name: String, _ help: String, _ value: Int) {
    head(name, "counter", help)
    line(name, [], value)
  }

  private mutating func head(_ name: String, _ kind: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
  }

  /// Names of limits and reasons need no escapes.
  private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: Int) {
    let shown = labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
    text += "\(name)\(shown.isEmpty ? "" : "{\(shown)}") \(value)\n"
  }
}
