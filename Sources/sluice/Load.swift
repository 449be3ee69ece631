import ArgumentParser
import Glibc
import Load
import Reactor

/// The load tester for event streams.
struct Load: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put load on a server of event streams, and say what became of it.",
    discussion: LoadManual.text)

  @Argument(help: ArgumentHelp("Where the streams are, http:// only; several are dealt out in turn.", valueName: "url"))
  var urls: [String]

  @OptionGroup(title: "Clients") var clients: LoadClientOptions
  @OptionGroup(title: "Requests") var requests: LoadRequestOptions
  @OptionGroup(title: "Conduct") var conduct: LoadConductOptions
  @OptionGroup(title: "Measuring") var measuring: LoadMeasuringOptions

  func validate() throws {
    guard !(measuring.quiet && measuring.progress) else {
      throw ValidationError("--progress: given together with --quiet, allowed: one of the two")
    }
  }

  func run() throws {
    let plan: Plan
    let outcome: Outcome
    do throws(LoadError) {
      plan = try options.plan(read: Self.read)
      outcome = try plan.run(display: display)
    } catch {
      throw Self.ending(error)
    }
    if display != nil, Terminal.isOne { Terminal.clear() }
    try tell(outcome)
    if outcome.wasInterrupted { throw ExitCode(130) }
    guard outcome.failedExpectations.isEmpty else { throw ExitCode.failure }
    guard outcome.wasAnswered else {
      Ending.complain("nothing was answered")
      throw Ending.unavailable
    }
  }

  /// Everything as it was typed.
  private var options: LoadOptions {
    var options = LoadOptions()
    options.urls = urls
    clients.fill(&options)
    requests.fill(&options)
    conduct.fill(&options)
    measuring.fill(&options)
    return options
  }

  private var display: Display? {
    guard !measuring.quiet, measuring.progress || Terminal.isOne else { return nil }
    // Redrawn on a terminal; elsewhere lines pile up.
    return Display(width: Terminal.width, period: .milliseconds(Terminal.isOne ? 250 : 1000), show: Terminal.show)
  }

  private func tell(_ outcome: Outcome) throws {
    let hidesTable = measuring.quiet || measuring.json == "-"
    if !hidesTable { print(Report(outcome).text, terminator: "") }
    if let file = measuring.json {
      let text = JSONReport(outcome).text
      if file == "-" { print(text, terminator: "") } else { try Self.write(text, to: file) }
    }
    fflush(nil)
    if hidesTable { for warning in outcome.warnings { Ending.complain("warning: \(warning)") } }
    for failed in outcome.failedExpectations { Ending.complain("expectation \(failed)") }
  }

  private static func read(_ option: String, _ file: String) throws(LoadError) -> [UInt8] {
    do throws(SystemError) {
      return try FileBytes.read(file)
    } catch {
      throw .unreadable(option: option, file: file, words: error.words)
    }
  }

  private static func write(_ text: String, to file: String) throws {
    do throws(SystemError) {
      try FileBytes.write(Array(text.utf8), to: file)
    } catch {
      Ending.complain("--json: \(file): \(error.words)")
      throw Ending.cannotCreate
    }
  }

  private static func ending(_ error: LoadError) -> any Error {
    switch error {
    case .usage: return ValidationError("\(error)")
    case .unreadable:
      Ending.complain("\(error)")
      return Ending.noInput
    case .unresolved:
      Ending.complain("\(error)")
      return Ending.unavailable
    case .system:
      Ending.complain("\(error)")
      return Ending.system
    }
  }
}

extension Ending {
  /// A file that can't be written: EX_CANTCREAT.
  fileprivate static let cannotCreate = ExitCode(73)
}

/// Standard error as a display.
enum Terminal {
  /// Whether somebody watches.
  static var isOne: Bool { isatty(2) == 1 }

  /// How many characters a line has.
  ///
  /// ioctl(2) with TIOCGWINSZ.
  static var width: Int {
    var size = winsize()
    guard unsafe ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 160 }
    return Int(size.ws_col) - 1
  }

  /// Shows a line: in place of the last on a terminal, below it elsewhere.
  static func show(_ line: String) {
    write(isOne ? "\r\(line)\u{1B}[K" : "\(line)\n")
  }

  /// Takes the line away.
  static func clear() {
    write("\r\u{1B}[K")
  }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
  }
}

/// How many clients there are, and how they come.
struct LoadClientOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "How many clients there are, one connection each.")
  var connections = "1"

  @Option(
    help: "How many of them come a second, as in 200/s or 600/m; all at once where neither this nor --ramp is given.")
  var rate: String?

  @Option(help: "The time over which they come evenly, as in 10s.")
  var ramp: String?

  @Option(help: "How many may be without an answer to their first request at a time; the others wait.")
  var inFlight = "256"

  @Option(
    name: .shortAndLong, help: "How long the test lasts, ramp included. (default: 10s, or without end with --requests)")
  var duration: String?

  @Option(
    name: .customLong("requests"), help: "How many requests are made in all, reconnects not counted; then it ends.")
  var requestCount: String?

  @Option(help: "The addresses to connect from, in turn: numeric ones and IPv4 ranges with commas between.")
  var source: String?

  @Option(help: "How many domains the clients come to, in turn: Host fields, while connecting to the URL's address.")
  var domains: String?

  @Option(help: "Their names, {n} being the number from 1; the URL's port is added. (default: d{n}.example.test)")
  var domainTemplate: String?

  @Option(help: "How many threads, each with its share of the clients and an open-file limit of its own.")
  var threads = "1"

  func fill(_ options: inout LoadOptions) {
    options.connections = connections
    options.rate = rate
    options.ramp = ramp
    options.inFlight = inFlight
    options.duration = duration
    options.requests = requestCount
    options.source = source
    options.domains = domains
    options.domainTemplate = domainTemplate
    options.threads = threads
  }
}

/// What is asked.
struct LoadRequestOptions: ParsableArguments {
  @Option(help: "GET or POST. (default: POST with a body, else GET)")
  var method: String?

  @Option(help: "The body, a template.")
  var body: String?

  @Option(help: "A file with the body, a template, 64 MiB at most.")
  var bodyFile: String?

  @Option(help: "A file with a body a line, templates, taken in turn by the request's number.")
  var bodyLines: String?

  @Option(
    name: [.customShort("H"), .customLong("header")],
    help:
      "A field, Name: value, the value a template; repeatable. A body is application/json unless one says otherwise.")
  var headers: [String] = []

  @Option(help: "A file with such a field a line.")
  var headerFile: String?

  @Flag(help: "Read every 200 as an event stream, whatever its Content-Type.")
  var anyContentType = false

  @Option(help: "What {random}, {uuid} and all waits are drawn from, to repeat a test. (default: another each time)")
  var seed: String?

  func fill(_ options: inout LoadOptions) {
    options.method = method
    options.body = body
    options.bodyFile = bodyFile
    options.bodyLines = bodyLines
    options.headers = headers
    options.headerFile = headerFile
    options.acceptsAnyType = anyContentType
    options.seed = seed
  }
}

/// How clients behave.
struct LoadConductOptions: ParsableArguments {
  @Option(
    help: "chat: one request after the other; subscribe: a stream each, held. (default: chat with POST, else subscribe)"
  )
  var mode: String?

  @Option(help: "chat: the time between two requests of a client.")
  var think = "0"

  @Option(
    name: .customLong("terminal"),
    help:
      "chat: an SSE type, or JSON kind, that ends a run; repeatable. So does [DONE]. (default: completed, error)"
  )
  var terminals: [String] = []

  @Option(help: "chat: the JSON member of data that holds the kind. (default: event)")
  var terminalField: String?

  @Flag(help: "Come back after a stream that ended (subscribe) or broke off (both), with Last-Event-ID.")
  var reconnect = false

  @Option(
    help: "The wait before that, where the stream has sent no retry; up to a quarter more is added. (default: 3s)")
  var reconnectDelay: String?

  @Option(help: "The wait after a refusal or an error, where there is no Retry-After in seconds.")
  var backoff = "1s"

  @Option(help: "How long a connection and the head of an answer may take.")
  var timeout = "30s"

  @Flag(help: "chat: a connection for every request.")
  var noReuse = false

  @Option(help: "The share of clients that read slowly, through a small receive buffer.")
  var slow = "0%"

  @Option(help: "How fast those read, in bytes a second. (default: 1KiB/s)")
  var slowRate: String?

  @Option(
    help: "The share of clients that stop reading once their stream is open and never close, through a small buffer.")
  var halfOpen = "0%"

  func fill(_ options: inout LoadOptions) {
    options.mode = mode
    options.think = think
    options.terminals = terminals
    options.terminalField = terminalField
    options.reconnects = reconnect
    options.reconnectDelay = reconnectDelay
    options.backoff = backoff
    options.timeout = timeout
    options.avoidsReuse = noReuse
    options.slow = slow
    options.slowRate = slowRate
    options.halfOpen = halfOpen
  }
}

/// What is measured and told.
struct LoadMeasuringOptions: ParsableArguments {
  @Option(help: "The JSON member of data with the sender's time, for the latency called event.")
  var timestampField: String?

  @Option(help: "Its unit: ns, us, ms or s; a fraction is read. (default: ms)")
  var timestampUnit: String?

  @Option(help: "Its clock: wall, since 1970, or monotonic, of this very machine. (default: wall)")
  var timestampClock: String?

  @Option(
    name: .customLong("expect"),
    help: "What must be true of the outcome, e.g. 'open<=6 per domain'; repeatable, see above.")
  var expectations: [String] = []

  @Option(help: "Write the outcome as JSON to a file; - is standard output, without the table then.")
  var json: String?

  @Flag(name: .shortAndLong, help: "No display, no table; failed expectations are told all the same.")
  var quiet = false

  @Flag(help: "The display on standard error also where that is no terminal.")
  var progress = false

  func fill(_ options: inout LoadOptions) {
    options.timestampField = timestampField
    options.timestampUnit = timestampUnit
    options.timestampClock = timestampClock
    options.expectations = expectations
  }
}

/// The part of the help that is about more than one option.
enum LoadManual {
  static let text = """
    Times have a unit (ms, s, m, h), sizes too (B, KB, KiB, MB, MiB), shares a percent sign.

    Templates, in URL paths, header values and bodies: {n} the client's number from 1, {i} the request's number over \
    all clients from 1, {random} 16 hex digits, {uuid}, {domain}. Random ones are the same throughout one request, and \
    when it is made again by a reconnect. Other braces stand for themselves.

    Open is a stream whose 200 has come and which has not ended; a slow reader's ends when it has read it all. Refused \
    is every status but 200 and 204, with the limit that an application/problem+json body names, and an event \
    sluice.busy. Events are counted as lost or duplicated where their ids have the form <name>.<seq>.

    Latencies: connect; answer and first_event, since the request's start, connecting included; event, since the \
    sender's time (--timestamp-field); gap, between two events of a stream; spread, behind the first client that got \
    the event with this id (subscribe, within a thread).

    Half-open clients still acknowledge: their kernel does. A host that vanishes without a FIN can't be played by a \
    process; drop its packets with a firewall.

    --expect: METRIC [pN|max|mean] OP NUMBER[UNIT] [per DIMENSION | for DIMENSION NAME]
      OP         <= >= == < >
      METRIC     open (the most at a time), open_at_end, opened, refused: per or for domain, client (source address), \
    url, and client,domain (the browsers' six); refused also status and limit
                 evicted: limit; answers: status
                 requests, reconnects, ended, cut (broke off), completed (terminal event), unfinished, half_open_cut, \
    errors, events, events_per_second, comments, bytes, marked (ids counted), lost, duplicated, gap_events, \
    cpu (the tester's, % of a core)
                 connect, answer, first_event, event, gap, spread with pN (p50, p99.9), max or mean, and a unit of time
      per        every one for itself; where none occurred, zero is judged
      for        the one of that name; zero where it did not occur
    Examples: 'open<=6 per client,domain'  'refused>=1 for limit six'  'first_event p99 < 50ms'  'lost==0'

    Exit codes: 0; 1 an expectation failed; 64 usage; 66 no such file; 69 a name without address, or nothing was \
    answered; 71 the system refuses; 73 --json can't be written; 130 interrupted by SIGINT or SIGTERM, after the table.
    """
}
