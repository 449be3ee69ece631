/// How many streams are open, and were at most, by domain, source address, URL, and pair of source and domain.
///
/// A turn's openings and ends are applied together: where the server gives a place to one stream in the same moment in
/// which it ends another, nobody sees both.
struct OpenCounts: Sendable {
  /// One number and what it was at its highest.
  struct Gauge: Equatable, Sendable {
    var now = 0
    var peak = 0
    /// How often a stream was opened.
    var opened = 0
    /// How often a client was refused.
    var refused = 0
  }

  /// What happened to a client's stream.
  enum Change: Sendable { case opened, closed, refused }

  private(set) var total = Gauge()
  private(set) var domains: [Gauge]
  private(set) var sources: [Gauge]
  private(set) var targets: [Gauge]
  /// By source × number of domains + domain; only pairs that some client has.
  private(set) var pairs: [Int: Gauge]

  /// Nothing is open.
  init(_ plan: Plan) {
    domains = Array(repeating: Gauge(), count: plan.domains.count)
    sources = Array(repeating: Gauge(), count: max(1, plan.sources.count))
    targets = Array(repeating: Gauge(), count: plan.targets.count)
    pairs = [:]
    for client in 0..<plan.connections { pairs[Self.pair(plan.assignment(of: client), plan.domains.count)] = Gauge() }
  }

  /// Applies everything that happened in one turn of a loop.
  mutating func apply(_ changes: [(Assignment, Change)]) {
    for (place, change) in changes {
      each(of: place) { gauge in
        switch change {
        case .opened:
          gauge.now += 1
          gauge.opened += 1
        case .closed: gauge.now -= 1
        case .refused: gauge.refused += 1
        }
      }
    }
    for (place, change) in changes where change == .opened { each(of: place) { $0.peak = max($0.peak, $0.now) } }
  }

  private static func pair(_ place: Assignment, _ domains: Int) -> Int { place.source * domains + place.domain }

  private mutating func each(of place: Assignment, _ body: (inout Gauge) -> Void) {
    body(&total)
    body(&domains[place.domain])
    body(&sources[place.source])
    body(&targets[place.target])
    body(&pairs[Self.pair(place, domains.count), default: Gauge()])
  }
}
