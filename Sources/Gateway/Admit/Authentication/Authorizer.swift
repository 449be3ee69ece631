internal import Admission
internal import Bytes
internal import Crypto
internal import Reactor
internal import Settings
internal import Wire

/// Asks a service whether a client may use a route, and remembers the answer for a while.
///
/// Requests with the same credentials that come at the same time share one question.
/// - Owner: the worker's route table.
/// - Thread: the worker's.
/// - Bound: `mostAnswers` remembered; a question for each of the requests under way.
final class Authorizer {
  /// What the service says.
  enum Answer {
    case allowed(Principal?)
    case denied(Response)
  }

  typealias Reply = (Answer) -> Void

  private static let mostAnswers = 4096

  private let settings: AuthorizeSettings
  private let upstream: Upstream
  private let loop: Loop
  private var answers: [SHA256: (answer: Answer, until: Instant)] = [:]
  /// In the order in which they were remembered.
  private var order: [SHA256] = []
  private var questions: [SHA256: Question] = [:]

  init(_ settings: AuthorizeSettings, _ upstream: Upstream, on loop: Loop) {
    self.settings = settings
    self.upstream = upstream
    self.loop = loop
  }

  /// Finds out about a request; the reply may come within this call.
  func ask(about exchange: Exchange, on route: Route, for subject: LimitSubject, _ reply: @escaping Reply) {
    let shown = shown(by: exchange.head)
    let key = key(of: shown, exchange.head, on: route)
    if let known = answers[key], loop.now < known.until { return reply(known.answer) }
    if let question = questions[key] { return question.replies.append(reply) }
    let question = Question(reply) { [unowned self] answer, isLasting in
      questions[key] = nil
      if isLasting { remember(answer, for: key) }
    }
    questions[key] = question
    var fields = shown
    fields.append("Accept", "*/*")
    fields.append("X-Original-Method", exchange.method.name)
    let path = exchange.head.path
    fields.append("X-Original-URI", path.span)
    ForwardedFields.append(
      exchange.client, scheme: exchange.scheme, authority: exchange.head.authority, to: &fields)
    let request = UpstreamRequest(
      method: .get, target: Array(settings.path.utf8), fields: fields, body: [], subject: subject, for: question)
    question.begin(request, shown: shown, subjectHeader: settings.subjectHeader)
    upstream.send(request)
  }

  /// The fields of a request that the service is shown, in the order and spelling of the settings.
  private func shown(by head: RequestHead) -> FieldSection {
    var shown = FieldSection()
    for name in settings.headers.map({ Array($0.utf8) }) {
      for index in 0..<head.fields.count {
        let field = head.fields[index]
        guard head.fields.bytes[field.nameRange].lazy.map(ASCII.lowercased).elementsEqual(name) else { continue }
        shown.append(name.span, head.fields.bytes.span.extracting(field.valueRange))
      }
    }
    return shown
  }

  /// All that the service may decide by.
  private func key(of shown: FieldSection, _ head: RequestHead, on route: Route) -> SHA256 {
    var bytes = shown.separated
    for part in [Array(head.method.name.utf8), head.path, Array(route.key.utf8)] {
      bytes.append(contentsOf: part)
      bytes.append(0)
    }
    return SHA256(of: bytes.span)
  }

  private func remember(_ answer: Answer, for key: SHA256) {
    guard settings.cache > .zero else { return }
    if answers.updateValue((answer, loop.now + settings.cache), forKey: key) == nil { order.append(key) }
    guard order.count > Self.mostAnswers else { return }
    // The oldest half at a time: that is cheap for each.
    for old in order.prefix(Self.mostAnswers / 2) { answers[old] = nil }
    order.removeFirst(Self.mostAnswers / 2)
  }
}

/// One request to the service, and those who wait for its answer.
private final class Question: UpstreamReceiver {
  var replies: [Authorizer.Reply]
  private let done: (Authorizer.Answer, _ isLasting: Bool) -> Void
  private var request: UpstreamRequest?
  private var shown = FieldSection()
  private var subjectHeader: String?
  private var refusal: UpstreamRefusal?

  init(_ reply: @escaping Authorizer.Reply, done: @escaping (Authorizer.Answer, Bool) -> Void) {
    replies = [reply]
    self.done = done
  }

  func begin(_ request: UpstreamRequest, shown: FieldSection, subjectHeader: String?) {
    self.request = request
    self.shown = shown
    self.subjectHeader = subjectHeader
  }

  func upstreamAnswered(_ head: ResponseHead) {
    switch head.status {
    case 200..<300:
      let request = self.request
      finish(.allowed(principal(of: head)), isLasting: true)
      request?.release()
    case 401, 403:
      refusal = UpstreamRefusal(head)
    default:
      let request = self.request
      finish(.denied(Self.unavailable("answered with status \(head.status)")), isLasting: false)
      request?.release()
    }
  }

  func upstreamDelivered(_ bytes: Span<UInt8>) {
    guard refusal != nil, refusal?.append(bytes) == false else { return }
    let request = self.request
    finish(.denied(Self.unavailable("refused at too great length")), isLasting: false)
    request?.cancel()
  }

  func upstreamEnded() {
    guard var response = refusal?.response else { return }
    response.reason = .unauthenticated
    finish(.denied(response), isLasting: true)
  }

  func upstreamFailed(_ failure: UpstreamFailure) {
    finish(.denied(Self.unavailable(failure.detail)), isLasting: false)
  }

  private func finish(_ answer: Authorizer.Answer, isLasting: Bool) {
    request = nil
    let replies = self.replies
    self.replies = []
    guard !replies.isEmpty else { return }
    done(answer, isLasting)
    for reply in replies { reply(answer) }
  }

  /// Who it is: as the service says, or else whoever shows the same.
  private func principal(of head: ResponseHead) -> Principal? {
    if let subjectHeader, let subject = head.fields.value(of: subjectHeader) {
      return Principal(subject: subject, of: nil)
    }
    return shown.isEmpty ? nil : Principal(subject: shown.separated, of: Array("shown".utf8))
  }

  private static func unavailable(_ words: String) -> Response {
    Problem.response(
      status: 503, detail: "nobody could say whether this is allowed: the authorization service \(words)")
  }
}

extension FieldSection {
  /// The value of the first field of a name that the gateway has no word for.
  fileprivate func value(of name: String) -> [UInt8]? {
    for index in 0..<count {
      let field = self[index]
      guard field.nameRange.count == name.utf8.count,
        bytes[field.nameRange].lazy.map(ASCII.lowercased).elementsEqual(name.utf8)
      else { continue }
      return Array(bytes[field.valueRange])
    }
    return nil
  }
}
