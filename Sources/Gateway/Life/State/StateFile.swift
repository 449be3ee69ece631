internal import Bytes
internal import Crypto
internal import Glibc
internal import Reactor
internal import Settings
internal import Streams

/// Where runs are kept from one process to the next: a file of records, each with its digest.
///
/// It is written under another name and then renamed, so that there is a whole file or none; where the disk is full,
/// the records that fit are kept. It is removed once it was read: no run comes back twice.
/// - Thread: whoever writes or reads; it blocks.
struct StateFile {
  private static let magic = Array("sluice runs 1\n".utf8)
  /// A record is a run's log, which `streams.log.bytes` bounds; a longer one is no record.
  private static let maxRecordBytes = 1 << 32

  let path: String

  /// The file of one worker; each writes its own.
  init(in directory: String, of worker: Int) {
    path = "\(directory)/runs-\(worker).state"
  }

  /// The files that earlier workers have left, however many there were.
  static func all(in directory: String) -> [StateFile] {
    (0..<WorkerSettings.most).map { StateFile(in: directory, of: $0) }
  }

  /// Whether files can be made in a directory, asked before anybody relies on it.
  static func check(_ directory: String) throws(SystemError) {
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open") }
    close(descriptor)
    guard unsafe access(directory, W_OK | X_OK) == 0 else { throw SystemError("access") }
  }

  // MARK: - Writing

  /// Writes records; those that come first are kept where not all can be.
  ///
  /// - Returns: how many were written.
  /// - Throws: where none could be.
  func write(_ records: some Sequence<RunRecord>) throws(SystemError) -> Int {
    let temporary = path + ".new"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError("open") }
    var count = 0
    do throws(SystemError) {
      try Self.write(Self.magic, to: descriptor)
      for record in records {
        guard Self.writes(Self.framed(record), to: descriptor) else { break }
        count += 1
      }
      guard fsync(descriptor) == 0 else { throw SystemError("fsync") }
    } catch {
      close(descriptor)
      unsafe _ = unlink(temporary)
      throw error
    }
    close(descriptor)
    guard unsafe rename(temporary, path) == 0 else {
      let error = SystemError("rename")
      unsafe _ = unlink(temporary)
      throw error
    }
    return count
  }

  private static func framed(_ record: RunRecord) -> [UInt8] {
    let bytes = record.bytes
    var framed: [UInt8] = []
    framed.reserveCapacity(bytes.count + 40)
    for shift in stride(from: 56, through: 0, by: -8) {
      framed.append(UInt8(truncatingIfNeeded: bytes.count >> shift))
    }
    framed.append(contentsOf: SHA256(of: bytes.span).bytes)
    framed.append(bytes.span)
    return framed
  }

  /// Writes a record, or as much of the file as there was before it.
  private static func writes(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    let before = lseek(descriptor, 0, SEEK_CUR)
    do throws(SystemError) {
      try write(bytes, to: descriptor)
      return true
    } catch {
      _ = ftruncate(descriptor, before)
      return false
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { all in
        unsafe Glibc.write(descriptor, all.baseAddress.map { unsafe $0 + written }, all.count - written)
      }
      if count > 0 {
        written += count
      } else if errno != EINTR {
        throw SystemError("write")
      }
    }
  }

  // MARK: - Reading

  /// What a file held.
  struct Contents {
    var records: [RunRecord] = []
    /// Whether it ended in something other than a record.
    var isDamaged = false
  }

  /// Reads the records and removes the file; `nil` where there is none.
  ///
  /// - Throws: where it can't be read; it is left where it is.
  func take() throws(SystemError) -> Contents? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw SystemError("open")
    }
    defer { close(descriptor) }
    var contents = Contents()
    guard try Self.read(Self.magic.count, from: descriptor) == Self.magic else {
      contents.isDamaged = true
      unsafe _ = unlink(path)
      return contents
    }
    while let frame = try Self.read(40, from: descriptor) {
      let length = frame.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
      guard frame.count == 40, length < Self.maxRecordBytes,
        let bytes = try Self.read(Int(length), from: descriptor), bytes.count == Int(length)
      else {
        contents.isDamaged = true
        break
      }
      if SHA256(of: bytes.span).bytes.elementsEqual(frame[8...]), let record = RunRecord(bytes) {
        contents.records.append(record)
      } else {
        // The next one begins where this one ends, whatever is in it.
        contents.isDamaged = true
      }
    }
    unsafe _ = unlink(path)
    return contents
  }

  /// So many bytes, fewer at the end of the file, `nil` behind it.
  private static func read(_ wanted: Int, from descriptor: Int32) throws(SystemError) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < wanted {
      let missing = min(wanted - bytes.count, 1024 * 1024)
      var outcome = 0
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: missing) { buffer, count in
        outcome = unsafe Glibc.read(descriptor, buffer.baseAddress, missing)
        count = max(0, outcome)
      }
      if outcome < 0, errno == EINTR { continue }
      if outcome < 0 { throw SystemError("read") }
      if outcome == 0 { break }
      bytes.append(contentsOf: chunk)
    }
    return bytes.isEmpty && wanted > 0 ? nil : bytes
  }
}
