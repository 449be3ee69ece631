/// What is counted at the limits at one moment, for metrics and checks.
public struct SlotFigures: Sendable, Equatable {
  /// One limit's part.
  public struct AtLimit: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// How many slots count for it; all open ones of its group, or none if it is a rate.
    public let held: Int
    /// How many claims wait at it.
    public let waiting: Int
    /// For how many keys something is remembered.
    public let keys: Int
    /// How many claims it has refused since the process began.
    public let refused: UInt64
    /// How many slots it has told to end since the process began.
    public let evicted: UInt64
  }

  /// The limits in the order of the file.
  public let limits: [AtLimit]
  private let open: [Int]

  init(limits: [AtLimit], open: [Int]) {
    self.limits = limits
    self.open = open
  }

  /// How many slots were given out for a group and not released.
  public func open(_ group: LimitGroup) -> Int { open[group.rawValue] }
}
