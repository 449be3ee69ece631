internal import Crypto
internal import Reactor
internal import Streams

// A run on its way from one process to the next.

extension Run {
  /// What is kept of it: all that a reader may still ask for.
  var record: RunRecord {
    RunRecord(
      id: id, route: route.key, principal: principal?.bytes ?? [],
      key: key.map {
        RunRecord.Key(principal: $0.principal?.bytes ?? [], text: $0.key, payload: payload?.bytes ?? [])
      },
      failure: failure?.rawValue ?? "", oldest: log.oldest,
      events: log.oldest > log.newest ? [] : (log.oldest...log.newest).map { log.event($0) })
  }

  /// A run that an earlier process kept, finished.
  convenience init(_ record: RunRecord, on route: RunRoute, of worker: Worker) {
    let log = EventLog(first: record.oldest)
    for event in record.events { log.append(event: event.span, at: worker.loop.now.milliseconds) }
    log.compact()
    self.init(
      record.id, log: log, on: route, of: worker, principal: Principal(record.principal),
      key: record.key.map { IdempotencyKey(principal: Principal($0.principal), route: route.key, key: $0.text) },
      payload: record.key.flatMap { SHA256($0.payload) })
    failure = CloseReason(rawValue: record.failure)
    stage = .final
  }
}
