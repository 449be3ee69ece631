internal import Reactor
internal import Wire

/// The options of a test as they were typed, with their defaults.
///
/// The command line fills it in; `plan` checks everything and says what is wrong.
public struct LoadOptions: Sendable {
  /// Reads a file that an option names.
  public typealias Reader = (_ option: String, _ file: String) throws(LoadError) -> [UInt8]

  /// At least one.
  public var urls: [String] = []
  /// A whole number.
  public var connections = "1"
  /// Connections a second.
  public var rate: String?
  /// A time.
  public var ramp: String?
  /// A whole number.
  public var inFlight = "256"
  /// A time.
  public var duration: String?
  /// A whole number.
  public var requests: String?
  /// `GET` or `POST`.
  public var method: String?
  /// A template.
  public var body: String?
  /// A file with a template.
  public var bodyFile: String?
  /// A file with a template a line.
  public var bodyLines: String?
  /// `Name: value`, templates.
  public var headers: [String] = []
  /// A file with a header a line.
  public var headerFile: String?
  /// A whole number.
  public var domains: String?
  /// A template.
  public var domainTemplate: String?
  /// Addresses and ranges.
  public var source: String?
  /// `chat` or `subscribe`.
  public var mode: String?
  /// A time.
  public var think = "0"
  /// Event types or kinds.
  public var terminals: [String] = []
  /// The name of a JSON member.
  public var terminalField: String?
  /// Whether clients come back to broken streams.
  public var reconnects = false
  /// A time.
  public var reconnectDelay: String?
  /// A time.
  public var backoff = "1s"
  /// A time.
  public var timeout = "30s"
  /// Whether each request gets a connection of its own.
  public var avoidsReuse = false
  /// Whether a 200 of any media type is read as an event stream.
  public var acceptsAnyType = false
  /// A share.
  public var slow = "0%"
  /// Bytes a second.
  public var slowRate: String?
  /// A share.
  public var halfOpen = "0%"
  /// The name of a JSON member.
  public var timestampField: String?
  /// A unit of time.
  public var timestampUnit: String?
  /// `wall` or `monotonic`.
  public var timestampClock: String?
  /// A whole number.
  public var threads = "1"
  /// A whole number.
  public var seed: String?
  /// Assertions.
  public var expectations: [String] = []

  /// Options with their defaults.
  public init() {}
}

extension LoadOptions {
  /// The most connections, and the most of other counts.
  private static let mostConnections = 1_000_000
  private static let mostRequests = 1_000_000_000

  /// Checks the options.
  ///
  /// - Parameter read: reads the files that are named.
  /// - Returns: what is to be done.
  /// - Throws: `LoadError.usage` with option, given and allowed; what `read` throws.
  public func plan(read: Reader) throws(LoadError) -> Plan {
    guard !urls.isEmpty else { throw .usage(option: "URL", given: "", allowed: "at least one") }
    var targets: [Target] = []
    for url in urls { targets.append(try Target(url)) }
    let request = try makeRequest(read)
    let mode: Plan.Mode = try OptionReader(option: "--mode").word(
      self.mode ?? (request.method == .post ? Plan.Mode.chat : .subscribe).rawValue)
    let connections = try Self.count("--connections", connections, in: 1...Self.mostConnections)
    var plan = Plan(
      targets: targets, domains: try makeDomains(targets), variesHost: domains != nil || domainTemplate != nil,
      connections: connections, pacer: try makePacer(connections), request: request,
      form: AnswerForm(method: request.method, acceptsAnyType: acceptsAnyType),
      interest: try makeInterest(mode), mode: mode)
    if let source { plan.sources = try SourceRange.addresses(source) }
    plan.inFlight = try Self.count("--in-flight", inFlight, in: 1...Self.mostConnections)
    if let requests { plan.requests = try Self.count("--requests", requests, in: 1...Self.mostRequests) }
    plan.reconnects = reconnects
    plan.reuses = !avoidsReuse
    plan.misbehaviour = try makeMisbehaviour()
    plan.times = try makeTimes(mode)
    plan.threads = try Self.count("--threads", threads, in: 1...64)
    plan.seed = UInt64.random(in: 0...UInt64.max)
    if let seed { plan.seed = UInt64(try Self.count("--seed", seed, in: 0...Int.max)) }
    for text in expectations { plan.expectations.append(try Expectation(text)) }
    try check(plan)
    return plan
  }

  private static func count(_ option: String, _ text: String, in bounds: ClosedRange<Int>) throws(LoadError) -> Int {
    try OptionReader(option: option).count(text, in: bounds)
  }

  private func makeBodies(_ read: Reader) throws(LoadError) -> [Template] {
    let given = [("--body", body), ("--body-file", bodyFile), ("--body-lines", bodyLines)].filter { $0.1 != nil }
    guard given.count <= 1 else {
      throw .usage(
        option: given[1].0, given: given[1].1 ?? "", allowed: "only one of --body, --body-file, --body-lines")
    }
    if let body { return [Template(body)] }
    if let bodyFile {
      let bytes = try read("--body-file", bodyFile)
      return [Template(bytes.span)]
    }
    guard let bodyLines else { return [] }
    let bodies = Self.lines(try read("--body-lines", bodyLines)).map { Template($0) }
    guard !bodies.isEmpty else { throw .usage(option: "--body-lines", given: bodyLines, allowed: "a file with lines") }
    return bodies
  }

  private func makeRequest(_ read: Reader) throws(LoadError) -> Request {
    let bodies = try makeBodies(read)
    let name = method ?? (bodies.isEmpty ? "GET" : "POST")
    guard name == "GET" || name == "POST" else {
      throw .usage(option: "--method", given: name, allowed: "one of GET, POST")
    }
    guard bodies.isEmpty || name == "POST" else {
      throw .usage(option: "--method", given: name, allowed: "POST, for there is a body")
    }
    var request = Request(method: name == "POST" ? .post : .get, bodies: bodies)
    var fields = headers
    if let headerFile { fields += Self.lines(try read("--header-file", headerFile)) }
    for text in fields { request.fields.append(try Request.field(text)) }
    request.addDefaults()
    return request
  }

  /// Lines that hold something, without their ends.
  private static func lines(_ bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split { $0.isNewline }.map(String.init).filter {
      !$0.allSatisfy(\.isWhitespace)
    }
  }

  private func makeDomains(_ targets: [Target]) throws(LoadError) -> [Domain] {
    guard domains != nil || domainTemplate != nil else {
      var names: [Domain] = []
      for target in targets {
        guard let domain = Domain(target.domain) else { continue }
        if !names.contains(domain) { names.append(domain) }
      }
      return names
    }
    let count = try Self.count("--domains", domains ?? "1", in: 1...100_000)
    let text = domainTemplate ?? "d{n}.example.test"
    let template = Template(text)
    let option = OptionReader(option: "--domain-template")
    guard template.variables.isSubset(of: [.client]), count == 1 || template.variables.contains(.client) else {
      throw option.refuse(text, allowed: "a host, with {n} for the domain's number where --domains is more than 1")
    }
    var made: [Domain] = []
    for number in 1...count {
      var name: [UInt8] = []
      template.append(TemplateValues(client: number, request: 0, domain: [], seed: 0), to: &name)
      guard let domain = Domain(String(decoding: name, as: UTF8.self)) else {
        throw option.refuse(text, allowed: "a host with or without a port, as in d{n}.example.test")
      }
      made.append(domain)
    }
    return made
  }

  private func makePacer(_ connections: Int) throws(LoadError) -> Pacer {
    if let ramp, rate != nil {
      throw .usage(option: "--ramp", given: ramp, allowed: "either --rate or --ramp")
    }
    if let rate { return Pacer(total: connections, perSecond: try OptionReader(option: "--rate").rate(rate)) }
    guard let ramp else { return Pacer(total: connections, perSecond: nil) }
    let time = try OptionReader(option: "--ramp").time(ramp)
    return Pacer(total: connections, perSecond: time > .zero ? Double(connections) / time.inSeconds : nil)
  }

  private func makeInterest(_ mode: Plan.Mode) throws(LoadError) -> Interest {
    var interest = Interest()
    interest.keepsID = reconnects
    if mode == .chat {
      let words = terminals.isEmpty ? ["completed", "error"] : terminals
      interest.terminals = words.map { Array($0.utf8) }
      if let terminalField { interest.terminalField = Array(terminalField.utf8) }
    } else if let word = terminals.first ?? terminalField {
      let option = terminals.isEmpty ? "--terminal-field" : "--terminal"
      throw .usage(option: option, given: word, allowed: "only with --mode chat")
    }
    if let timestampField {
      let unit: SentTime.Unit = try OptionReader(option: "--timestamp-unit").word(timestampUnit ?? "ms")
      let clock: SentTime.Clock = try OptionReader(option: "--timestamp-clock").word(timestampClock ?? "wall")
      interest.sentTime = SentTime(field: timestampField, unit: unit, clock: clock)
    } else if let given = timestampUnit ?? timestampClock {
      let option = timestampUnit == nil ? "--timestamp-clock" : "--timestamp-unit"
      throw .usage(option: option, given: given, allowed: "only with --timestamp-field")
    }
    return interest
  }

  private func makeMisbehaviour() throws(LoadError) -> Plan.Misbehaviour {
    var misbehaviour = Plan.Misbehaviour()
    misbehaviour.slow = try OptionReader(option: "--slow").share(slow)
    misbehaviour.halfOpen = try OptionReader(option: "--half-open").share(halfOpen)
    guard misbehaviour.slow + misbehaviour.halfOpen <= 1 else {
      throw .usage(option: "--slow", given: slow, allowed: "at most 100% together with --half-open")
    }
    if let slowRate {
      misbehaviour.slowBytesPerSecond = try OptionReader(option: "--slow-rate").byteRate(slowRate)
      guard misbehaviour.slow > 0 else {
        throw .usage(option: "--slow-rate", given: slowRate, allowed: "only with --slow")
      }
    }
    return misbehaviour
  }

  private func makeTimes(_ mode: Plan.Mode) throws(LoadError) -> Plan.Times {
    var times = Plan.Times()
    times.think = try OptionReader(option: "--think").time(think)
    guard mode == .chat || times.think == .zero else {
      throw .usage(option: "--think", given: think, allowed: "only with --mode chat")
    }
    times.backoff = try OptionReader(option: "--backoff").time(backoff)
    times.timeout = try OptionReader(option: "--timeout").time(timeout, orZero: false)
    if let reconnectDelay {
      times.reconnectDelay = try OptionReader(option: "--reconnect-delay").time(reconnectDelay)
      guard reconnects else {
        throw .usage(option: "--reconnect-delay", given: reconnectDelay, allowed: "only with --reconnect")
      }
    }
    if let duration {
      times.duration = try OptionReader(option: "--duration").time(duration, orZero: false)
    } else if requests == nil {
      times.duration = .seconds(10)
    }
    return times
  }

  /// What only several options together make wrong.
  private func check(_ plan: Plan) throws(LoadError) {
    if let duration = plan.times.duration, plan.pacer.length >= duration {
      throw .usage(
        option: "--duration", given: self.duration ?? "10s",
        allowed: "longer than the ramp, which takes \(Words.decimal(plan.pacer.length.inSeconds, 1))s")
    }
    guard plan.threads <= plan.connections else {
      throw .usage(option: "--threads", given: threads, allowed: "at most one a connection")
    }
    if plan.interest.sentTime == nil,
      let blind = plan.expectations.first(where: { $0.metric.kind == .time("event") })
    {
      throw .usage(
        option: "--expect", given: blind.text,
        allowed: "event only with --timestamp-field; gap and spread need nothing from the sender")
    }
  }
}
