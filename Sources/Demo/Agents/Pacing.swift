/// Pauses that look like somebody at work and are the same at every play of a message.
///
/// FNV-1a makes a seed of the message, SplitMix64 a sequence of the seed; both are public domain, and neither is for secrets.
struct Pacing {
  private var state: UInt64

  init(message: String) {
    state = 0xcbf2_9ce4_8422_2325
    for byte in message.utf8 {
      state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
  }

  /// The next pause, in milliseconds, within the bounds given.
  mutating func milliseconds(in range: ClosedRange<Int>) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    mixed ^= mixed >> 31
    return range.lowerBound + Int(mixed % UInt64(range.count))
  }
}
