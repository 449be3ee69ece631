internal import Admission
internal import Bytes
internal import Wire

/// What the gate says of a request's head.
enum GateVerdict {
  /// It may be served on this route.
  case admitted(Route)
  /// It is answered here, and no orchestrator hears of it.
  case answered(Response)
}

/// Decides about a request from its head alone: is there a route, may this origin use it, is the method one of the route's.
///
/// A function from values to a verdict; the worker carries it out.
enum Gate {
  /// Judges a head.
  ///
  /// - Parameters:
  ///   - head: the request's head.
  ///   - client: who asks, as far as somebody who is believed has told.
  ///   - router: where routes are found.
  ///   - answerFields: gets the fields that every answer to this request carries.
  /// - Returns: the route to serve it on, or the answer.
  static func judge(
    _ head: RequestHead, _ client: ClientAddress, _ router: Router, _ answerFields: inout FieldSection
  ) -> GateVerdict {
    let isPreflight = head.method == .options && head.fields.first(.accessControlRequestMethod) != nil
    answerFields.append("Vary", isPreflight ? CORSPolicy.preflightVary : CORSPolicy.vary)
    guard let route = router.route(for: head) else {
      return .answered(Problem.response(status: 404, detail: "no route for path \(quoted(head.path))"))
    }
    switch route.cors.decide(
      CORSRequest(head, authority: client.authority ?? head.authority, isCostly: route.isCostly), methods: route.methods
    ) {
    case .sameOrigin:
      break
    case .allowed(let grant):
      append(grant, to: &answerFields)
    case .preflight(let grant):
      append(grant, to: &answerFields)
      return .answered(Response(ResponseHead(status: 204)))
    case .refused(let refusal):
      return .answered(Problem.response(status: 403, detail: "\(refusal)"))
    }
    return checkMethod(head, route)
  }

  private static func checkMethod(_ head: RequestHead, _ route: Route) -> GateVerdict {
    if head.method == .options {
      var answer = ResponseHead(status: 204)
      answer.fields.append("Allow", route.allow)
      return .answered(Response(answer))
    }
    guard route.methods.contains(head.method.name) else {
      var response = Problem.response(
        status: 405, detail: "method \(head.method.name) is not offered here, allowed are \(route.allow)")
      response.head.fields.append("Allow", route.allow)
      return .answered(response)
    }
    return .admitted(route)
  }

  private static func append(_ grant: CORSGrant, to fields: inout FieldSection) {
    for field in grant.fields { fields.append(field.name, field.value) }
  }

  private static func quoted(_ path: [UInt8]) -> String {
    let shown = path.prefix(100)
    return "\"\(String(decoding: shown, as: UTF8.self))\(shown.count < path.count ? "…" : "")\""
  }
}
