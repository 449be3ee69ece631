/// What every measurement needs: the servers, and the place where they run.
struct Workbench {
  /// Who is measured.
  let peers: [any Peer]
  /// Where configurations and logs go.
  let folder: TemporaryFolder
  /// Who runs on which processor.
  let processors: Processors
  /// What may end a measurement early.
  let signals: Signals
  /// How many descriptors a process may open.
  let descriptors: Int
}
