internal import Reactor
internal import Settings
internal import Streams

/// The name of a ticket: 128 random bits, as text.
typealias Ticket = StreamID

/// Tickets that were given out: each lets its holder in once, as the client that got it.
///
/// `EventSource` can send no header, and a token in a URL ends up in logs: a ticket is worth nothing there any more.
/// A client that reconnects comes with the same URL; its ticket opens the run that it has opened, and nothing else.
/// - Thread: any.
/// - Bound: `tickets.count` that were not used, and as many that were.
final class TicketTable: Sendable {
  fileprivate struct Entry: Sendable {
    let identity: ExchangeIdentity
    let expires: Instant
    var isUsed = false
    var stream: StreamID?
  }

  fileprivate struct State: Sendable {
    var entries: [Ticket: Entry] = [:]
    /// In the order in which they were given out; those that are gone are skipped.
    var order: [Ticket] = []
    var gone = 0
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
      state.forgetOldest(atMost: settings.count, at: now)
      guard state.order.count - state.gone < 2 * settings.count else { return nil }
      let ticket = Ticket()
      state.entries[ticket] = Entry(identity: identity, expires: now + settings.lifetime)
      state.order.append(ticket)
      return ticket
    }
  }

  /// Takes a ticket from a client.
  ///
  /// - Parameters:
  ///   - ticket: what it came with.
  ///   - stream: the stream that its last event id names.
  ///   - now: the moment.
  /// - Returns: whose ticket it is; `nil` where it is worth nothing.
  func redeem(_ ticket: Ticket, for stream: StreamID?, at now: Instant) -> ExchangeIdentity? {
    state.withLock { state -> ExchangeIdentity? in
      guard var entry = state.entries[ticket] else { return nil }
      if entry.isUsed {
        guard let stream, entry.stream == stream else { return nil }
      } else {
        guard now < entry.expires else { return nil }
        entry.isUsed = true
        state.entries[ticket] = entry
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
  /// Those that nobody has used in time are forgotten, and where there are too many, those that were used first.
  fileprivate mutating func forgetOldest(atMost count: Int, at now: Instant) {
    while gone < order.count {
      let ticket = order[gone]
      if let entry = entries[ticket] {
        let isSpent = entry.isUsed ? order.count - gone > count : now >= entry.expires
        guard isSpent else { break }
        entries[ticket] = nil
      }
      gone += 1
    }
    guard gone >= 64, gone * 2 >= order.count else { return }
    order.removeFirst(gone)
    gone = 0
  }
}
