internal import Streams

/// Every mux that has a client, or had one a moment ago.
///
/// - Owner: the worker.
/// - Thread: the worker's.
final class MuxTable {
  private unowned let worker: Worker
  private var muxes: [StreamID: Mux] = [:]

  init(of worker: Worker) {
    self.worker = worker
  }

  var all: some Collection<Mux> { muxes.values }

  /// A mux by its name, `nil` where it is not known any more.
  func mux(_ id: StreamID) -> Mux? { muxes[id] }

  /// A mux without a client and without streams.
  func begin(_ rules: MuxRules, for principal: Principal?) -> Mux {
    let id = StreamID(home: worker.peers.bits(for: worker.place))
    let mux = Mux(id, rules, for: principal, of: worker)
    muxes[id] = mux
    worker.budget.add(mux)
    worker.counters.muxes.set(muxes.count)
    return mux
  }

  /// A mux is not to be found any more.
  func forget(_ mux: Mux) {
    guard muxes.removeValue(forKey: mux.id) != nil else { return }
    worker.budget.remove(mux)
    worker.counters.muxes.set(muxes.count)
  }

  // MARK: - Ends

  /// Cuts one in so many of those clients that nothing but feeds keeps, at least one; they may go on elsewhere.
  func cutReaders(share: Int) {
    let idle = muxes.values.filter { !$0.readers.isEmpty && !$0.hasRuns }
    for mux in idle.prefix((idle.count + share - 1) / share) { mux.interrupt(atOnce: true) }
  }

  /// Every client is cut once it has what there is.
  func cutAll() {
    for mux in muxes.values { mux.interrupt(atOnce: false) }
  }

  /// Ends every mux; there is no client left here.
  func close() {
    for mux in muxes.values { mux.end(.drained) }
  }
}
