import Testing

@testable import Settings

@Suite struct OnAbandonedTests {
  @Test(
    arguments: [
      ("cancel", .cancel, "cancel"), ("detach", .detach, "detach"), ("linger 15s", .linger(.seconds(15)), "linger 15s"),
      ("linger 1.5s", .linger(.milliseconds(1500)), "linger 1500ms"),
      ("linger 60s", .linger(.seconds(60)), "linger 1m"),
    ] as [(String, OnAbandoned, String)])
  func `what becomes of a run is read and written`(text: String, policy: OnAbandoned, written: String) {
    #expect(OnAbandoned(text) == policy)
    #expect(policy.description == written)
    #expect(OnAbandoned(written) == policy)
  }

  @Test(arguments: [
    "", " ", "Cancel", "cancel ", " cancel", "cancel 15s", "detach 15s", "detached", "linger", "linger ", "linger  15s",
    "linger 15", "linger 15 s", "linger15s", "15s", "linger 15s 15s", "linger: 15s", "Linger 15s",
  ])
  func `what is no policy is none`(text: String) {
    #expect(OnAbandoned(text) == nil)
  }
}
