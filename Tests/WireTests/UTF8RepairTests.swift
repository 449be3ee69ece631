import Bytes
import Support
import Testing
import Wire

@Suite struct UTF8RepairTests {
  private func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var appended = Array("<".utf8)
    UTF8Repair.append(bytes.span, to: &appended)
    var inPlace = bytes
    UTF8Repair.repair(&inPlace)
    #expect(appended == [0x3C] + inPlace)
    return inPlace
  }

  /// How many replacement characters stand for bytes that hold nothing valid.
  static let invalid: [([UInt8], Int)] = [
    ([0x80], 1), ([0xBF, 0x80], 2), ([0xC0, 0x80], 2), ([0xC1, 0xBF], 2), ([0xC2], 1), ([0xC2, 0xC2], 2),
    ([0xE0, 0x80, 0x80], 3), ([0xE0, 0x9F, 0xBF], 3), ([0xE0, 0xA0], 1), ([0xE2, 0x82], 1), ([0xE2, 0xE2, 0x82], 2),
    ([0xED, 0xA0, 0x80], 3), ([0xED, 0xBF, 0xBF], 3), ([0xF0, 0x80, 0x80, 0x80], 4), ([0xF0, 0x8F, 0xBF, 0xBF], 4),
    ([0xF0, 0x90], 1), ([0xF0, 0x9F, 0x98], 1), ([0xF4, 0x90, 0x80, 0x80], 4), ([0xF5, 0x80, 0x80, 0x80], 4),
    ([0xF8, 0x88, 0x80, 0x80, 0x80], 5), ([0xFE], 1), ([0xFF, 0xFF], 2), ([0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2], 3),
  ]

  @Test(arguments: invalid)
  func `every maximal part of an invalid sequence becomes one replacement character`(bytes: [UInt8], count: Int) {
    let replacement = [UInt8](repeating: 0, count: count).flatMap { _ in [0xEF, 0xBF, 0xBD] as [UInt8] }
    #expect(repaired(bytes) == replacement)
    #expect(repaired([0x61] + bytes + [0x62]) == [0x61] + replacement + [0x62])
    let long = [UInt8](repeating: 0x61, count: 23)
    #expect(repaired(long + bytes + long) == long + replacement + long)
  }

  @Test func `every character is valid`() {
    var bytes: [UInt8] = []
    for value in UInt32(0)...0x10FFFF {
      if let scalar = Unicode.Scalar(value) { bytes += Array(UTF8.encode(scalar) ?? .init()) }
    }
    let invalid = UTF8Repair.firstInvalid(in: bytes.span)
    #expect(invalid == nil)
    #expect(bytes.count == 128 + 1920 * 2 + (65_536 - 2048 - 2048) * 3 + 1_048_576 * 4)
  }

  @Test func `random bytes are repaired as the standard library does it`() {
    var random = SplitMix(3)
    let bytes: [UInt8] = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5,
      0xFF,
    ]
    for _ in 0..<20_000 {
      let sample = (0..<Int.random(in: 0...20, using: &random)).map { _ in bytes.randomElement(using: &random) ?? 0 }
      #expect(repaired(sample) == Array(String(decoding: sample, as: UTF8.self).utf8), "\(sample)")
    }
  }
}
