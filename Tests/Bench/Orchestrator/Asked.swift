/// What the stand-in orchestrator is asked for.
enum Asked: Equatable {
  /// A chat run of this name.
  case run([UInt8])
  /// The feed, from now on or, with a last id, from the last event on.
  case feed(resumes: Bool)
}
