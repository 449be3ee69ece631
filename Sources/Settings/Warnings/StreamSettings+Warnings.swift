extension StreamSettings {
  /// What is likely to go wrong with streams, in the order of the settings.
  func warnings(in surroundings: Surroundings) -> [SettingsWarning] {
    let keeping = [
      clientBufferWarning(surroundings), ageWarning(), budgetWarning(surroundings), keepFinishedWarning(),
    ]
    return (keeping.compactMap { $0 } + writingWarnings()).map { warning in
      SettingsWarning(key: "streams.\(warning.key)", text: warning.text)
    }
  }

  private func clientBufferWarning(_ surroundings: Surroundings) -> SettingsWarning? {
    guard let clients = surroundings.clients, let memory = surroundings.memoryBytes,
      isMore(clients, times: clientBufferBytes, than: memory)
    else { return nil }
    return SettingsWarning(
      key: "client_buffer",
      text: "\(clients) clients that all lag this far hold more than the \(memory >> 20) MiB of memory there are; "
        + "take a smaller buffer or expect fewer clients")
  }

  private func budgetWarning(_ surroundings: Surroundings) -> SettingsWarning? {
    let clients = surroundings.clients
    if let memory = surroundings.memoryBytes, budgetBytes > memory,
      clients.map({ isMore($0, times: log.bytes, than: memory) }) ?? true
    {
      let runs = clients.map { "the logs of \($0) clients with a run each" } ?? "the logs"
      return SettingsWarning(
        key: "budget",
        text: "\(runs) may grow beyond the \(memory >> 20) MiB of memory there are; take a smaller budget")
    }
    guard let clients, isMore(clients, times: clientBufferBytes, than: budgetBytes) else { return nil }
    return SettingsWarning(
      key: "budget",
      text: "\(clients) clients with a run each leave every log less than client_buffer of it, so long answers lose "
        + "their beginning, and who comes back finds a gap; take a larger budget or expect fewer clients")
  }

  private func ageWarning() -> SettingsWarning? {
    guard log.age <= retry.max else { return nil }
    return SettingsWarning(
      key: "log.age", text: "\(comingBack), and what it missed is gone by then; keep events for some minutes")
  }

  private func keepFinishedWarning() -> SettingsWarning? {
    guard keepFinished <= retry.max else { return nil }
    return SettingsWarning(
      key: "keep_finished",
      text: keepFinished == .zero
        ? "who loads a page again after its run has finished loses the text, and a client that comes back is told that "
          + "nobody knows its run; keep runs for some minutes"
        : "\(comingBack), and a run that finished meanwhile is forgotten by then; keep runs for some minutes")
  }

  private var comingBack: String {
    "a client whose connection drops comes back after up to \(UnitScale.text(for: retry.max)) (streams.retry)"
  }

  private func writingWarnings() -> [SettingsWarning] {
    var warnings: [SettingsWarning] = []
    func warn(_ key: String, _ text: String) {
      warnings.append(SettingsWarning(key: key, text: text))
    }
    if heartbeat >= .seconds(30) {
      warn(
        "heartbeat",
        "many proxies cut a connection on which nothing came for 30s or 60s; stay well below the shortest on the way")
    }
    if retry.max - retry.min < .seconds(1) {
      warn(
        "retry",
        "after a restart all clients come back within less than a second of each other; leave a second or more between "
          + "min and max")
    }
    if !terminalEvents.contains("error") {
      warn(
        "terminal_events",
        "a run that fails ends with the gateway's own event \"error\", which is not among them; clients that wait for "
          + "one of these wait on")
    }
    return warnings
  }

  private func isMore(_ count: Int, times bytes: Int, than limit: Int) -> Bool {
    let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
    return overflow || product > limit
  }
}
