/// When the first of several readers got an event: the others' delay behind it needs no clock but ours.
///
/// - Bound: the last 4096 ids or so, in 64 KiB; an older one that comes again counts as new.
struct FanOut {
  private static let places = 4096
  private var digests = [UInt64](repeating: 0, count: places)
  private var moments = [UInt64](repeating: 0, count: places)

  /// Takes an arrival.
  ///
  /// - Parameters:
  ///   - digest: the event's id, not zero.
  ///   - now: nanoseconds.
  /// - Returns: how long ago the first reader got it, `nil` where this is the first.
  mutating func take(_ digest: UInt64, at now: UInt64) -> UInt64? {
    let place = Int(digest % UInt64(Self.places))
    if digests[place] == digest { return now > moments[place] ? now - moments[place] : 0 }
    digests[place] = digest
    moments[place] = now
    return nil
  }
}
