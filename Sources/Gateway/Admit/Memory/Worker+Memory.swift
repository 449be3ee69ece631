internal import Admission
internal import Reactor
internal import Wire

// What a worker does where memory becomes short.

extension Worker {
  /// Whether there is memory for what a request begins; where not, the request is answered.
  ///
  /// What is kept for later gives way first, here and on the other workers.
  func hasMemory(for exchange: Exchange, on route: Route) -> Bool {
    guard memory.budget.level(with: MemoryCost.stream) >= .tight else {
      memory.recovered()
      return true
    }
    guard route.action.isStream, [.get, .post].contains(exchange.method) else { return true }
    callForMemory()
    budget.makeRoom(runs, feeds, mirrors, muxes)
    guard memory.budget.level(with: MemoryCost.stream) >= .short else { return true }
    counters.memoryRefusals.add(1)
    if memory.isNews() { tellShortage() }
    (exchange.transport as? HTTP1Connection)?.persists = false
    exchange.respond(MemoryAnswer.response(memory.budget.bytes, route.refusal, to: exchange.method))
    return false
  }

  /// Counts a body that goes on; where there is no memory for more of it, the request is answered.
  func bodyGrew(_ exchange: Exchange) {
    guard memory.grew(exchange), memory.level == .exhausted, let route = exchange.route else { return }
    counters.memoryRefusals.add(1)
    exchange.respond(MemoryAnswer.response(memory.budget.bytes, route.refusal, to: exchange.method))
  }

  /// A connection holds more or less that its client has sent or not taken.
  func holds(requests: Int, answers: Int) {
    memory.add(requests, to: .requests)
    memory.add(answers, to: .answers)
  }

  /// Lets the other workers give what they keep for later.
  private func callForMemory() {
    guard peers.count > 1, memory.budget.mayCall() else { return }
    for other in 0..<peers.count where other != place { peers.post(.makeRoom, to: other) }
  }
}

extension Route.Action {
  /// Whether a request may begin or join a stream.
  fileprivate var isStream: Bool {
    switch self {
    case .run, .feed, .runs, .mux: true
    case .muxes, .tickets, .asset: false
    }
  }
}
