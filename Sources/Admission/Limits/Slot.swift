/// What a connection, stream or upstream request holds while it counts against the limits; released once, by its owner.
public struct Slot: Hashable, Sendable {
  let place: Place
  let generation: UInt32
  /// The worker of the claim, whose object owns the slot.
  public let worker: Int
}
