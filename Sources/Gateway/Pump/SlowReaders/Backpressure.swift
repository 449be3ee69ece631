/// Whether a run leaves its orchestrator's bytes unread, because the only one who reads is behind.
///
/// It begins at half of `streams.client_buffer` and ends at a quarter: what one read brings beyond that is all that the
/// reader may lag further.
struct Backpressure {
  /// Whether bytes are left unread.
  private(set) var isOn = false
  private let beginBytes: UInt64
  private let endBytes: UInt64

  init(clientBufferBytes: Int) {
    beginBytes = UInt64(clientBufferBytes / 2)
    endBytes = UInt64(clientBufferBytes / 4)
  }

  /// Takes note of how things are.
  ///
  /// - Parameters:
  ///   - lag: how far the reader is behind, in bytes.
  ///   - isBlocked: whether its socket takes no more.
  ///   - readers: how many there are.
  /// - Returns: whether that has changed anything.
  mutating func update(lag: UInt64, isBlocked: Bool, readers: Int) -> Bool {
    let wasOn = isOn
    isOn = readers == 1 && isBlocked && lag > (wasOn ? endBytes : beginBytes)
    return isOn != wasOn
  }
}
