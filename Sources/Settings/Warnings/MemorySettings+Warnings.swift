extension Settings {
  /// Where settings allow more together than the memory that there is for it.
  ///
  /// - Parameter surroundings: what is known of the machine; what is not known gives no warning.
  /// - Returns: the warnings, none twice.
  public func memoryWarnings(in surroundings: Surroundings) -> [SettingsWarning] {
    func warn(_ text: String) -> SettingsWarning { SettingsWarning(key: "memory.budget", text: text) }
    func size(_ bytes: Int) -> String { UnitScale.bytes.text(for: Int64(bytes)) }
    guard let budgetBytes = memoryBudgetBytes(in: surroundings) else { return [] }
    var warnings: [SettingsWarning] = []
    if let memory = surroundings.memoryBytes, budgetBytes > memory - memory / 8 {
      warnings.append(
        warn(
          "the process may have \(memory >> 20) MiB, of which its code and the kernel's buffers for its sockets need a "
            + "part; beyond that the kernel ends it before the budget refuses anybody"))
    }
    if streams.budgetBytes > budgetBytes, memory.budget != .auto {
      warnings.append(
        warn(
          "it is less than streams.budget, \(size(streams.budgetBytes)), which logs can never have; finished runs give "
            + "way earlier than that says"))
    }
    if case .number(let connections) = clients.connections, isMore(connections, streams.clientBufferBytes, budgetBytes)
    {
      warnings.append(
        warn(
          "\(connections) clients (clients.connections) that all lag by streams.client_buffer hold more than its "
            + "\(budgetBytes >> 20) MiB; new ones are refused by then"))
    }
    return warnings
  }

  private func memoryBudgetBytes(in surroundings: Surroundings) -> Int? {
    if case .bytes(let bytes) = memory.budget { return bytes }
    return surroundings.memoryBytes.map { memory.budget.bytes(ofMemory: $0) }
  }

  private func isMore(_ count: Int, _ bytes: Int, _ bound: Int) -> Bool {
    let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
    return overflow || product > bound
  }
}
