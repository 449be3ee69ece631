internal import Glibc

/// What tells one state of a file from another without reading it.
struct FileIdentity: Sendable, Equatable {
  /// A time of a file.
  struct Moment: Equatable {
    let seconds: Int
    let nanoseconds: Int
  }

  let device: UInt64
  let number: UInt64
  let sizeBytes: Int
  let modified: Moment
  /// Moves on with every change, also where somebody sets the time of modification back.
  let changed: Moment

  /// Whether the file was left alone for long enough that another change would show in its times, which some systems
  /// keep in whole seconds.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Returns: whether it was.
  func isSettled(at now: Int) -> Bool {
    now - max(modified.seconds, changed.seconds) >= 2
  }
}

extension FileIdentity {
  /// What stat(2) says.
  init(_ status: stat) {
    self.init(
      device: UInt64(status.st_dev), number: UInt64(status.st_ino), sizeBytes: status.st_size,
      modified: Moment(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec),
      changed: Moment(seconds: status.st_ctim.tv_sec, nanoseconds: status.st_ctim.tv_nsec))
  }
}
