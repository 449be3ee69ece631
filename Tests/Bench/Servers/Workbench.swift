/// What every measurement needs: the programs, and the place where they run.
struct Workbench {
  /// The gateway's binary.
  let gateway: String
  /// The nginx binary, where there is one.
  let nginx: String?
  /// Where configurations and logs go.
  let folder: TemporaryFolder
  /// Who runs on which processor.
  let processors: Processors
  /// What may end a measurement early.
  let signals: Signals
  /// How many descriptors a process may open.
  let descriptors: Int
}
