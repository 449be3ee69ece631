/// Where the live display goes.
public struct Display {
  let width: Int
  let period: Duration
  let show: (String) -> Void

  /// A display.
  ///
  /// - Parameters:
  ///   - width: how many characters a line may have.
  ///   - period: how long a line stands; the figures are a quarter of a second old at most.
  ///   - show: is given each line.
  public init(width: Int, period: Duration, show: @escaping (String) -> Void) {
    self.width = width
    self.period = period
    self.show = show
  }
}

/// The live display: one line, from what the threads have published.
struct Progress {
  /// What a moment looks like.
  struct Picture {
    var elapsed: Duration
    var tally: Tally
    var open: Int
    /// Since the last picture.
    var eventsPerSecond: Double
  }

  /// How many characters the bar has.
  private static let barWidth = 20

  let plan: Plan
  private var last: (elapsed: Duration, events: UInt64)?

  init(_ plan: Plan) {
    self.plan = plan
  }

  /// The line of a moment, at most as wide as asked for.
  mutating func line(elapsed: Duration, _ tally: Tally, open: Int, width: Int) -> String {
    let span = elapsed - (last?.elapsed ?? .zero)
    let events = tally.events - min(tally.events, last?.events ?? 0)
    last = (elapsed, tally.events)
    let rate = span > .zero ? Double(events) / span.inSeconds : 0
    let picture = Picture(elapsed: elapsed, tally: tally, open: open, eventsPerSecond: rate)
    return String(describe(picture).prefix(width))
  }

  /// How much is done, from 0 to 1: of the time or of the requests, whichever is further.
  func done(_ elapsed: Duration, _ tally: Tally) -> Double {
    let time = plan.times.duration.map { elapsed.inSeconds / max($0.inSeconds, 1e-9) } ?? 0
    let ended = tally.ended + tally.cut + tally.refused + tally.errors
    let requests = plan.requests.map { Double(ended) / Double(max($0, 1)) } ?? 0
    return min(1, max(time, requests))
  }

  private func describe(_ picture: Picture) -> String {
    let tally = picture.tally
    let full = Int(done(picture.elapsed, tally) * Double(Self.barWidth))
    let bar = String(repeating: "#", count: full) + String(repeating: "-", count: Self.barWidth - full)
    let latency = Self.shown(tally.latencies)
    let times =
      latency.map { name, latency in
        " | \(name) p50 \(Words.time(Double(latency.percentile(50)))) p99 \(Words.time(Double(latency.percentile(99))))"
      } ?? ""
    let end = plan.times.duration.map { "/\(Words.decimal($0.inSeconds, 0))s" } ?? ""
    let errors = tally.errors > 0 ? " | errors \(tally.errors)" : ""
    let broken = tally.cut > 0 ? " | broke off \(tally.cut)" : ""
    return "[\(bar)] \(Words.decimal(picture.elapsed.inSeconds, 0))s\(end) | open \(picture.open)/\(plan.connections)"
      + " | \(Words.decimal(picture.eventsPerSecond, 0)) events/s\(times) | refused \(Report.refusals(tally))"
      + broken + errors
  }

  /// The most telling distribution there is.
  private static func shown(_ latencies: Latencies) -> (String, Latency)? {
    for (path, name) in [(\Latencies.event, "event"), (\.firstEvent, "first event"), (\.connect, "connect")]
    where latencies[keyPath: path].count > 0 {
      return (name, latencies[keyPath: path])
    }
    return nil
  }
}
