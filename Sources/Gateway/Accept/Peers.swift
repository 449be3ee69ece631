internal import Reactor
internal import Streams

/// All workers of the gateway, as each of them sees the others: a mailbox each.
///
/// A run lives on one worker, and its name says on which; a client that comes to another is moved there with its
/// connection. So no table is shared and nothing is locked, and a run never crosses a thread while it goes on.
struct Peers: Sendable {
  private let mailboxes: [Mailbox<WorkerMessage>]

  init(_ mailboxes: [Mailbox<WorkerMessage>]) {
    self.mailboxes = mailboxes
  }

  /// How many workers there are.
  var count: Int { mailboxes.count }

  /// The worker on which a stream lives.
  func home(of bits: UInt16) -> Int { Int(bits) % count }

  /// The bits for the name of a stream that is to live on a worker.
  func bits(for place: Int) -> UInt16 {
    let rounds = (Int(UInt16.max) + 1 - place + count - 1) / count
    return UInt16(Int.random(in: 0..<rounds) * count + place)
  }

  /// Leaves a message for a worker.
  func post(_ message: WorkerMessage, to place: Int) {
    mailboxes[place].post(message)
  }
}
