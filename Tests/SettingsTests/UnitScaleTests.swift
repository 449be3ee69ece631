import Testing

@testable import Settings

@Suite struct UnitScaleTests {
  @Test(
    arguments: [
      ("0s", 0), ("0ms", 0), ("1ms", 1), ("15s", 15_000), ("1.5s", 1500), ("0.001s", 1), ("1.50s", 1500),
      ("2m", 120_000), ("1.5m", 90_000), ("2h", 7_200_000), ("1d", 86_400_000), ("007s", 7000),
      ("100000d", 8_640_000_000_000),
    ] as [(String, Int64)])
  func `a time is a number with its unit`(text: String, milliseconds: Int64) {
    #expect(UnitScale.milliseconds.value(of: text) == milliseconds)
  }

  @Test(arguments: [
    "", "0", "15", "s", "ms", "15 s", " 15s", "15s ", "15S", "15sec", "15seconds", "1.s", ".5s", "1..5s", "1.5.5s",
    "1,5s",
    "-1s", "+1s", "1e3s", "1s500ms", "0.5ms", "1.0005s", "1.00001h", "1w", "1us", "٣s", "1_000s", "0x10s", "infs",
    "nans",
    "9999999999999s", "999999999999d",
  ])
  func `what is no time in whole milliseconds is none`(text: String) {
    #expect(UnitScale.milliseconds.value(of: text) == nil)
  }

  @Test(
    arguments: [
      ("0B", 0), ("1B", 1), ("16KiB", 16 << 10), ("1.5KiB", 1536), ("4MiB", 4 << 20), ("1GiB", 1 << 30),
    ] as [(String, Int64)])
  func `a size is a number with its unit`(text: String, bytes: Int64) {
    #expect(UnitScale.bytes.value(of: text) == bytes)
  }

  @Test(arguments: [
    "16", "16K", "16k", "16kB", "16KB", "16MB", "16kb", "16kib", "16Kib", "16b", "0.5B", "1.0005KiB", "1TiB",
  ])
  func `what is no whole number of bytes is none`(text: String) {
    #expect(UnitScale.bytes.value(of: text) == nil)
  }

  @Test func `seconds know no smaller unit`() {
    #expect(UnitScale.seconds.value(of: "1500ms") == nil)
    #expect(UnitScale.seconds.value(of: "1.5s") == nil)
    #expect(UnitScale.seconds.value(of: "1.5m") == 90)
    #expect(UnitScale.seconds.duration(90) == .seconds(90))
  }

  @Test(
    arguments: [
      (0, "0s"), (1, "1ms"), (1500, "1500ms"), (15_000, "15s"), (60_000, "1m"), (75_000, "75s"), (7_200_000, "2h"),
      (86_400_000, "1d"),
    ] as [(Int64, String)])
  func `a time is written with the largest unit that leaves it whole`(milliseconds: Int64, text: String) {
    #expect(UnitScale.milliseconds.text(for: milliseconds) == text)
    #expect(UnitScale.milliseconds.value(of: text) == milliseconds)
  }

  @Test func `a size is written with the largest unit that leaves it whole`() {
    #expect(
      [0, 1, 1000, 1024, 1536, 4 << 20, 1 << 30].map { UnitScale.bytes.text(for: $0) } == [
        "0B", "1B", "1000B", "1KiB", "1536B", "4MiB", "1GiB",
      ])
  }

  @Test func `a duration is counted in the scale's unit`() {
    #expect(UnitScale.milliseconds.value(of: .milliseconds(1500)) == 1500)
    #expect(UnitScale.seconds.value(of: .seconds(90)) == 90)
  }
}
