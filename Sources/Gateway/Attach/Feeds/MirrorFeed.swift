internal import Admission
internal import Reactor
internal import Streams
internal import Wire

/// A feed as it stood when a mirror began.
struct FeedSnapshot: Sendable {
  let id: StreamID
  /// Whether answers have begun.
  let isOpen: Bool
  let clientsID: [UInt8]?
  /// The sequence of the first event in the batch.
  let oldest: UInt64
  let batch: EventBatch
}

/// What workers tell each other about a feed.
enum FeedMessage: Sendable {
  /// To the feed's home: a worker has a subscriber, which may know an id.
  case subscribed(by: Int, FieldSection, LimitSubject, after: [UInt8]?)
  /// To the feed's home: the last reader of a mirror has gone.
  case left(by: Int, StreamID)
  /// To the mirrors: what there is.
  case began(FeedSnapshot)
  /// Answers begin.
  case opened(StreamID)
  /// Events came, one message a turn.
  case grew(StreamID, first: UInt64, EventBatch)
  /// The upstream did not know the id that a client had brought.
  case forgotClientsID(StreamID)
  /// Nothing follows; those whose answers were held back get the response.
  case ended(StreamID, Response?, CloseReason?)
  /// The gateway stops: readers are to come back.
  case interrupted(StreamID)
  /// The home has no such route any more.
  case refused(Response)
}

/// A feed on a worker other than its home: a log of its own, filled from there, so that readers of many workers share
/// one upstream request, and every event crosses once for each worker.
///
/// - Ends when: its last reader has left, or its home says so.
final class MirrorFeed: Feed {
  init(_ key: FeedKey, _ snapshot: FeedSnapshot, rules: StreamRules, of worker: Worker) {
    super.init(key, snapshot.id, log: EventLog(first: snapshot.oldest), rules: rules, of: worker)
    append(snapshot.batch)
    clientsID = snapshot.clientsID
    if snapshot.isOpen { stage = .open }
  }

  /// Takes over what its home has got.
  func append(_ batch: EventBatch) {
    let now = worker.loop.now.milliseconds
    batch.lend { event, ownID in
      log.append(event: event, at: now)
      note(ownID)
    }
    markGrown()
  }

  override func lastReaderLeft() {
    guard stage != .final else { return }
    worker.peers.post(.feed(key, .left(by: worker.place, id)), to: worker.feeds.home(of: key))
    end()
  }

  /// What its home tells.
  func received(_ message: FeedMessage) {
    switch message {
    case .opened: open()
    case .grew(_, let first, let batch):
      // Never seen; but a reader that misses events must come back for them.
      guard first == log.newest + 1 else {
        worker.peers.post(.feed(key, .left(by: worker.place, id)), to: worker.feeds.home(of: key))
        return interrupt()
      }
      append(batch)
    case .forgotClientsID: forgetClientsID()
    case .ended(_, let response, let failure):
      self.failure = failure
      if response == nil { open() }
      end(response)
    case .interrupted: interrupt()
    case .began, .left, .refused, .subscribed: break
    }
  }
}
