internal import Reactor
internal import Settings
internal import Streams

/// The name of a ticket: 128 random bits, as text.
typealias Ticket = StreamID

/// Tickets that were given out: each lets its holder in once, as the client that got it.
///
/// `EventSource` can send no header, and a token in a URL ends up in logs: a ticket is worth nothing there any more.
/// A client that reconnects comes with the same URL and names the stream that its ticket has opened; it opens nothing
/// else. That is so for runs, and for feeds as long as the last id was the gateway's: one of an upstream's is no secret.
/// - Thread: any.
/// - Bound: `tickets.count` that were not used, and as many that were.
final class TicketTable: Sendable {
  fileprivate struct Entry: Sendable {
    let identity: ExchangeIdentity
    let expires: Instant
    var isUsed = false
    /// Where it was used, and the stream that it opened there.
    var target: [UInt8] = []
    var stream: StreamID?
  }

  fileprivate struct State: Sendable {
    var entries: [Ticket: Entry] = [:]
    /// In the order in which they were given out; those that are gone are skipped.
    var order: [Ticket] = []
    var gone = 0
    /// Those that were used, in the order of their use.
    var used: [Ticket] = []
    /// How many wait to be used.
    var waiting = 0
    var settings: TicketSettings?
  }

  private let state: Locked<State>

  init(_ settings: TicketSettings?) {
    state = Locked(State(settings: settings))
  }

  /// How long tickets are good; `nil` where none are given out.
  var lifetime: Duration? { state.withLock { $0.settings?.lifetime } }

  /// Takes new settings into force.
  func reload(_ settings: TicketSettings?) {
    state.withLock { $0.settings = settings }
  }

  /// Gives a ticket out; `nil` where too many wait to be used.
  func issue(for identity: ExchangeIdentity, at now: Instant) -> Ticket? {
    state.withLock { state -> Ticket? in
      guard let settings = state.settings else { return nil }
      state.forgetUnused(at: now)
      guard state.waiting < settings.count else { return nil }
      let ticket = Ticket()
      state.entries[ticket] = Entry(identity: identity, expires: now + settings.lifetime)
      state.order.append(ticket)
      state.waiting += 1
      return ticket
    }
  }

  /// Takes a ticket from a client.
  ///
  /// - Parameters:
  ///   - ticket: what it came with.
  ///   - target: path and query, without the ticket and the last event id.
  ///   - run: the run that its path names.
  ///   - stream: the stream that its last event id names.
  ///   - now: the moment.
  /// - Returns: whose ticket it is; `nil` where it is worth nothing.
  func redeem(
    _ ticket: Ticket, at target: [UInt8], joining run: StreamID?, for stream: StreamID?, at now: Instant
  ) -> ExchangeIdentity? {
    state.withLock { state -> ExchangeIdentity? in
      guard var entry = state.entries[ticket] else { return nil }
      if entry.isUsed {
        guard let stream, entry.stream == stream, entry.target == target || run == stream else { return nil }
      } else {
        guard now < entry.expires else { return nil }
        entry.isUsed = true
        entry.target = target
        state.waiting -= 1
        state.entries[ticket] = entry
        state.remember(ticket)
      }
      var identity = entry.identity
      identity.ticket = ticket
      return identity
    }
  }

  /// The stream that a ticket has opened, to which its client may come back.
  func bind(_ ticket: Ticket, to stream: StreamID) {
    state.withLock { state in
      guard state.entries[ticket]?.isUsed == true, state.entries[ticket]?.stream == nil else { return }
      state.entries[ticket]?.stream = stream
    }
  }
}

extension TicketTable.State {
  /// As many that were used are remembered as may wait.
  fileprivate mutating func remember(_ ticket: Ticket) {
    used.append(ticket)
    let most = settings?.count ?? 1
    // Many at a time, so that each costs little.
    guard used.count > most + most / 8 else { return }
    for old in used.prefix(used.count - most) { entries[old] = nil }
    used.removeFirst(used.count - most)
  }

  /// Those that nobody has used in time are forgotten.
  fileprivate mutating func forgetUnused(at now: Instant) {
    while gone < order.count {
      let ticket = order[gone]
      if let entry = entries[ticket], !entry.isUsed {
        guard now >= entry.expires else { break }
        waiting -= 1
        entries[ticket] = nil
      }
      gone += 1
    }
    guard gone >= 64, gone * 2 >= order.count else { return }
    order.removeFirst(gone)
    gone = 0
  }
}
