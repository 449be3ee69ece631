internal import Streams
internal import Wire

// A run and its mirrors, on its home worker: each of them is a reader that never lags.

extension Run {
  /// Gives a reader to the mirror on the client's worker, which begins with the first.
  ///
  /// - Parameters:
  ///   - client: who asked.
  ///   - place: from where on it reads.
  ///   - fields: what its answer carries beside.
  func give(_ client: DistantName, _ place: RunPlace, _ fields: FieldSection) {
    sendToMirrors()
    var snapshot: RunSnapshot?
    if !mirrors.give(to: client.place) {
      mirrors.add(at: client.place, having: log.newest)
      letGo()
      _ = mirrors.give(to: client.place)
      snapshot = RunSnapshot(
        rules: rules, oldest: log.oldest, batch: EventBatch(of: log, after: log.oldest - 1) { _ in nil },
        isFinished: isFinished, failure: failure)
    }
    worker.peers.post(.run(.began(client.number, id, place, fields, snapshot)), to: client.place)
  }

  /// Nobody reads a mirror any more, of as many as it was given; it goes unless one more is on its way.
  func mirrorLeft(_ place: Int, given: Int) {
    guard mirrors.hasAll(given, at: place) else { return }
    mirrors.remove(at: place)
    worker.peers.post(.run(.released(id)), to: place)
    if readers.isEmpty { lastReaderLeft() }
  }

  /// What was appended since the last time, one message a mirror.
  func sendToMirrors() {
    guard !mirrors.isEmpty else { return }
    mirrors.send(log, ownID: { _ in nil }) { place, first, batch in
      worker.peers.post(.run(.grew(id, first: first, batch)), to: place)
    }
  }

  /// The terminal event was the last.
  func endMirrors(isCut: Bool) {
    sendToMirrors()
    for place in mirrors.places { worker.peers.post(.run(.ended(id, failure, isCut: isCut)), to: place) }
  }
}
