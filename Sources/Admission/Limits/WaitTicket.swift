/// What a claim holds while it waits: its place in a queue, and nothing that others could use.
public struct WaitTicket: Hashable, Sendable {
  let place: Place
  let generation: UInt32
  /// The worker of the claim.
  public let worker: Int
}
