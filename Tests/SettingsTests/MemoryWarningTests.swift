import Testing

@testable import Settings

@Suite struct MemoryWarningTests {
  private func warnings(_ rest: String, memory: Int?) throws -> [String] {
    let surroundings = Surroundings(clients: nil, memoryBytes: memory, openFiles: nil, stopTimeout: .seconds(90))
    let settings = try Settings.parse(yaml: MinimalFile.yaml(rest: rest), file: "gate.yaml")
    let warnings = settings.memoryWarnings(in: surroundings).map(\.description)
    #expect(settings.warnings(in: surroundings).map(\.description).filter { $0.hasPrefix("memory.") } == warnings)
    return warnings
  }

  @Test(
    arguments: [
      ("auto", 1 << 30, false), ("auto", 32 << 20, false), ("auto", 18 << 20, true), ("896MiB", 1 << 30, false),
      ("897MiB", 1 << 30, true), ("1024GiB", nil, false),
    ] as [(String, Int?, Bool)])
  func `a budget that leaves nothing for the kernel`(budget: String, memory: Int?, isWarned: Bool) throws {
    #expect(
      try warnings("memory: {budget: \(budget)}", memory: memory)
        == (isWarned
          ? [
            "memory.budget: the process may have \((memory ?? 0) >> 20) MiB, of which its code and the kernel's buffers "
              + "for its sockets need a part; beyond that the kernel ends it before the budget refuses anybody"
          ] : []))
  }

  @Test(arguments: [("256MiB", false), ("255MiB", true)])
  func `logs that may have more than everything`(budget: String, isWarned: Bool) throws {
    #expect(
      try warnings("memory: {budget: \(budget)}", memory: nil)
        == (isWarned
          ? [
            "memory.budget: it is less than streams.budget, 256MiB, which logs can never have; finished runs give way "
              + "earlier than that says"
          ] : []))
  }

  @Test(
    arguments: [
      ("4096", "1GiB", nil, false), ("4097", "1GiB", nil, true), ("4096", "auto", 2 << 30, false),
      ("4097", "auto", 2 << 30, true), ("10000000", "auto", nil, false), ("auto", "256MiB", nil, false),
    ] as [(String, String, Int?, Bool)])
  func `clients that may hold more than the budget`(
    connections: String, budget: String, memory: Int?, isWarned: Bool
  ) throws {
    let rest = "clients: {connections: \(connections)}\nmemory: {budget: \(budget)}"
    #expect(
      try warnings(rest, memory: memory)
        == (isWarned
          ? [
            "memory.budget: \(connections) clients (clients.connections) that all lag by streams.client_buffer hold more "
              + "than its 1024 MiB; new ones are refused by then"
          ] : []))
  }

  @Test func `auto is half of what there is, and 16 MiB at least`() {
    #expect(MemoryBound.auto.bytes(ofMemory: 2 << 30) == 1 << 30)
    #expect(MemoryBound.auto.bytes(ofMemory: 1 << 20) == 16 << 20)
    #expect(MemoryBound.bytes(5 << 20).bytes(ofMemory: 2 << 30) == 5 << 20)
    for text in ["auto", "16MiB", "1GiB", "20000KiB"] { #expect(MemoryBound(text)?.description == text) }
  }
}
