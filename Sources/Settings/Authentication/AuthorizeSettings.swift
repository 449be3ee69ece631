import Admission

/// A service that says whether a client may use a route.
public struct AuthorizeSettings: Sendable, Equatable {
  /// The name of the upstream that is asked.
  public var upstream: String
  /// The path of the request to it.
  public var path: String
  /// Names of the header fields that it is shown, lower case; 1 to 16.
  public var headers: [String]
  /// The field of its answer that names who the client is, lower case; `nil` where it is whoever shows the same fields.
  public var subjectHeader: String?
  /// How long its answer holds for requests that show the same; zero for the requests of that moment only, up to 1 h.
  public var cache: Duration

  /// Puts a service's settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - upstream: the name of the upstream that is asked.
  ///   - path: the path of the request to it.
  ///   - headers: names of the header fields that it is shown, lower case.
  ///   - subjectHeader: the field of its answer that names who the client is, lower case.
  ///   - cache: how long its answer holds.
  public init(
    upstream: String, path: String, headers: [String] = ["authorization", "cookie"], subjectHeader: String? = nil,
    cache: Duration = .seconds(10)
  ) {
    self.upstream = upstream
    self.path = path
    self.headers = headers
    self.subjectHeader = subjectHeader
    self.cache = cache
  }
}

extension AuthorizeSettings {
  init?(_ reader: SettingsReader, upstreams: [String]?) {
    let upstream = reader.upstream(among: upstreams)
    let path: String? = reader.required(
      "path", allowed: "a path such as /verify, without query", "The path of the request to it."
    ) { PathPattern.isPath($0) ? $0 : nil }
    let header = "the name of a header field of at most 128 bytes, such as Authorization"
    let headers = reader.values(
      "headers", default: ["Authorization", "Cookie"], count: 1...16, allowed: header,
      "The header fields that it is shown; who shows the same gets the same answer."
    ) { (text: String) throws(Mismatch) -> String in
      guard text.utf8.count <= 128, CORSPolicy.isHeaderName(text) else { throw Mismatch(header) }
      return text
    }
    let subjectHeader: String? = reader.optional(
      "subject_header", allowed: header,
      "The field of its answer that names who the client is; without it, whoever shows the same."
    ) { $0.utf8.count <= 128 && CORSPolicy.isHeaderName($0) ? $0.lowercased() : nil }
    let cache = reader.duration(
      "cache", default: .seconds(10), in: .zero ... .seconds(3600),
      "How long its answer holds for requests that show the same; 0s = for those of that moment.")
    guard let upstream, let path else { return nil }
    self.init(
      upstream: upstream, path: path, headers: headers.map { $0.lowercased() }, subjectHeader: subjectHeader,
      cache: cache)
  }
}

/// How tickets for clients that can send no header are given out.
public struct TicketSettings: Sendable, Equatable {
  /// How long a ticket may wait to be used; 1 s to 5 min.
  public var lifetime: Duration
  /// How many tickets may wait to be used; 1 to 1,000,000.
  public var count: Int

  /// Puts ticket settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - lifetime: how long a ticket may wait to be used.
  ///   - count: how many may wait.
  public init(lifetime: Duration = .seconds(30), count: Int = 100_000) {
    self.lifetime = lifetime
    self.count = count
  }
}

extension TicketSettings {
  init(_ reader: SettingsReader) {
    let standard = TicketSettings()
    self.init(
      lifetime: reader.duration(
        "lifetime", default: standard.lifetime, in: .seconds(1) ... .seconds(300),
        "How long a ticket may wait to be used."),
      count: reader.count(
        "count", default: standard.count, in: 1...1_000_000, "How many tickets may wait to be used."))
  }
}
