public import Reactor
internal import Synchronization

/// Who holds how many of what: one table for all workers, touched when something begins or ends and never in between.
///
/// A claim is all or nothing: it is admitted when every limit of its group has room, and holds nothing before.
/// - At a limit that refuses, a claim without room is refused before it waits or evicts anywhere.
/// - At a limit that waits, claims are served in their order, and nobody overtakes them. A claim whose turn has come is
///   tried as a whole again, and waits at the next full limit if it must; waits are measured from when it came.
/// - At a limit that evicts, the oldest slot of the key is told to end, and the claim gets the room when that is
///   released, so that the bound holds at every moment. At most as many claims as the bound wait so.
/// - At a rate, a claim that is admitted costs one token, and every other costs nothing: a client that tries again too
///   early, or a neighbour with the same key, cannot push the moment away that a refusal has named. So starts in any time
///   *t* are at most burst + rate × *t*.
///
/// A slot that was admitted counts until `release`; what is returned by a call has to be told to the workers it names.
/// - Thread: any; one lock, held for about a microsecond.
public final class SlotTable: Sendable {
  /// How long a claim waits for an evicted slot's end before it is refused.
  public static let evictionTime = Duration.seconds(5)
  /// For how many keys a rate remembers something; more share one bucket, which is as large as that of one key.
  public static let maximumRateKeys = 65_536

  private let ledger: Locked<SlotLedger>
  /// A bit for each group that has limits.
  private let groups: Atomic<Int>

  /// A table in which nothing is held.
  ///
  /// - Parameter limits: in the order of the file, each name once; at most 64.
  public convenience init(limits: [Limit]) {
    self.init(limits: limits, maximumRateKeys: SlotTable.maximumRateKeys)
  }

  init(limits: [Limit], maximumRateKeys: Int) {
    ledger = Locked(SlotLedger(limits, maximumRateKeys: maximumRateKeys))
    groups = Atomic(SlotTable.bits(of: limits))
  }

  /// Whether there is any limit for claims of a group; without one, a claim is always admitted.
  public func applies(_ group: LimitGroup) -> Bool {
    groups.load(ordering: .relaxed) & 1 << group.rawValue != 0
  }

  /// Claims room at every limit of a group.
  ///
  /// - Parameters:
  ///   - group: what the claim is about.
  ///   - subject: whom it is for.
  ///   - worker: who is to be told what becomes of it later.
  ///   - now: the moment, never before that of an earlier call by much more than a loop's turn.
  /// - Returns: what became of it, and what workers have to be told.
  public func claim(
    _ group: LimitGroup, for subject: LimitSubject, worker: Int, at now: Instant
  ) -> (claim: Claim, notices: [SlotNotice]) {
    let claimant = Claimant(group: group, subject: subject, worker: worker, began: now)
    return ledger.withLock { ledger in
      let claim = ledger.claim(claimant, at: now)
      return (claim, ledger.takeNotices())
    }
  }

  /// Gives back what a slot holds; exactly once, by the one place where its owner ends.
  ///
  /// - Parameters:
  ///   - slot: what `claim` or a notice gave.
  ///   - now: the moment.
  /// - Returns: what workers have to be told: claims that have room now.
  public func release(_ slot: Slot, at now: Instant) -> [SlotNotice] {
    ledger.withLock { ledger in
      ledger.release(slot, at: now)
      return ledger.takeNotices()
    }
  }

  /// Asks about a claim that waits, when its moment has come.
  ///
  /// - Parameters:
  ///   - ticket: what `claim` or a notice gave.
  ///   - now: the moment; before the claim's own it goes on waiting.
  /// - Returns: what became of it, `nil` if a notice about that is on its way; and what workers have to be told.
  public func due(_ ticket: WaitTicket, at now: Instant) -> (claim: Claim?, notices: [SlotNotice]) {
    ledger.withLock { ledger in
      let claim = ledger.due(ticket, at: now)
      return (claim, ledger.takeNotices())
    }
  }

  /// Gives up a claim that waits, because its client has left.
  ///
  /// - Parameter ticket: what `claim` or a notice gave.
  /// - Returns: false if it no longer waits; a notice about it is then on its way, whose slot has to be released.
  public func abandon(_ ticket: WaitTicket) -> Bool {
    ledger.withLock { $0.abandon(ticket) }
  }

  /// Whether a slot has been told to end, or is released already.
  public func isEvicted(_ slot: Slot) -> Bool {
    ledger.withLock { $0.isEvicted(slot) }
  }

  /// The name of the limit that told a slot to end; `nil` where none did, or it is released already.
  public func evictor(of slot: Slot) -> String? {
    ledger.withLock { $0.evictor(of: slot) }
  }

  /// Replaces the limits; every slot that is held counts for the new ones of its group.
  ///
  /// A lower bound ends nothing and admits nobody until fewer are held. Limits that go on under their name, dimensions
  /// and kind keep their queues and buckets; a claim that waited at another one is decided anew.
  ///
  /// - Parameters:
  ///   - limits: in the order of the file, each name once; at most 64.
  ///   - now: the moment.
  /// - Returns: what workers have to be told: claims that are decided by the new limits.
  public func reload(_ limits: [Limit], at now: Instant) -> [SlotNotice] {
    ledger.withLock { ledger in
      ledger.reload(limits, at: now)
      groups.store(SlotTable.bits(of: limits), ordering: .relaxed)
      return ledger.takeNotices()
    }
  }

  /// What is counted now.
  public func figures() -> SlotFigures {
    ledger.withLock { $0.figures() }
  }

  /// What does not add up, in words, `nil` if all of it does; for tests, because it counts everything again.
  public func imbalance() -> String? {
    ledger.withLock { $0.imbalance() }
  }

  private static func bits(of limits: [Limit]) -> Int {
    limits.reduce(0) { $0 | 1 << $1.group.rawValue }
  }
}
