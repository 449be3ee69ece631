import Glibc
import Reactor
import Streams
import Support
import Testing

@testable import Gateway

/// A directory that is gone with the test.
final class TestDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/sluice-state-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// The files in it.
  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// The contents of a file in it.
  func bytes(_ name: String) throws -> [UInt8] {
    let descriptor = open("\(path)/\(name)", O_RDONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count <= 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// Makes a file of these bytes.
  func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o600) throws {
    let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }
}

@Suite struct StateFileTests {
  private static let name = "runs-0.state"

  private func record(_ events: [UInt8]...) -> RunRecord {
    RunRecord(
      id: StreamID(), route: "/a", principal: [UInt8](repeating: 1, count: 32), key: nil, failure: "drained", oldest: 3,
      events: events)
  }

  @Test func `records come back in their order, once`() throws {
    let directory = try TestDirectory()
    let file = StateFile(in: directory.path, of: 0)
    let records = [record(), record([1], [2, 3]), record([UInt8](repeating: 7, count: 3_000_000)), record([])]
    #expect(try file.write(records) == 4)
    #expect(directory.names == [Self.name], "nothing is left of how it was written")
    let contents = try #require(try file.take())
    #expect(contents.records == records && !contents.isDamaged)
    #expect(directory.names == [])
    #expect(try file.take() == nil)
  }

  @Test func `what was kept before is replaced, also by nothing`() throws {
    let directory = try TestDirectory()
    let file = StateFile(in: directory.path, of: 0)
    _ = try file.write([record([1]), record([2])])
    let second = [record([3])]
    #expect(try file.write(second) == 1)
    #expect(try file.take()?.records == second)
    #expect(try file.write([RunRecord]()) == 0)
    let empty = try #require(try file.take())
    #expect(empty.records == [] && !empty.isDamaged)
  }

  @Test func `nobody else may read it`() throws {
    let directory = try TestDirectory()
    _ = try StateFile(in: directory.path, of: 0).write([record([1])])
    var status = stat()
    try #require(stat("\(directory.path)/\(Self.name)", &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
  }

  @Test func `of a file that was cut off the whole records are kept`() throws {
    let directory = try TestDirectory()
    let file = StateFile(in: directory.path, of: 0)
    let records = [record([1], [2]), record([3]), record([4])]
    var sizes: [Int] = []
    for count in 0...3 {
      _ = try file.write(records.prefix(count))
      sizes.append(try directory.bytes(Self.name).count)
    }
    let whole = try directory.bytes(Self.name)
    for size in whole.indices {
      try directory.write(Array(whole[..<size]), to: Self.name)
      let contents = try #require(try file.take())
      let expected = max(0, sizes.lastIndex { $0 <= size } ?? 0)
      #expect(contents.records == Array(records.prefix(expected)), "\(size) bytes")
      #expect(contents.isDamaged == !sizes.contains(size), "\(size) bytes")
      unlink("\(directory.path)/\(Self.name)")
    }
  }

  @Test(arguments: 1...150)
  func `of a file with a wrong byte every record is kept whose place is known, but the one with the byte`(
    seed: UInt64
  ) throws {
    var random = SplitMix(seed)
    let directory = try TestDirectory()
    let file = StateFile(in: directory.path, of: 0)
    let records = [record([1], [2]), record([3]), record([4])]
    var sizes: [Int] = []
    for count in 0...3 {
      _ = try file.write(records.prefix(count))
      sizes.append(try directory.bytes(Self.name).count)
    }
    var bytes = try directory.bytes(Self.name)
    let place = Int(random.next() % UInt64(bytes.count))
    bytes[place] ^= 1 << UInt8(random.next() % 8)
    try directory.write(bytes, to: Self.name)
    let contents = try #require(try file.take())
    #expect(contents.isDamaged)
    guard let wrong = sizes.lastIndex(where: { $0 <= place }) else {
      #expect(contents.records == [], "it is no file of ours")
      return
    }
    // A record begins with its length: behind a wrong one nothing can be found any more.
    let isLength = place - sizes[wrong] < 8
    let left = records.indices.filter { isLength ? $0 < wrong : $0 != wrong }
    #expect(contents.records == left.map { records[$0] })
  }

  @Test func `a file that is none of ours gives nothing and says so`() throws {
    let directory = try TestDirectory()
    let file = StateFile(in: directory.path, of: 0)
    for bytes: [UInt8] in [[], [0], Array("sluice runs 2\n".utf8), [UInt8](repeating: 0xFF, count: 5000)] {
      try directory.write(bytes, to: Self.name)
      let contents = try #require(try file.take())
      #expect(contents.records == [] && contents.isDamaged)
    }
    // It is in nobody's way.
    let records = [record([1])]
    _ = try file.write(records)
    #expect(try file.take()?.records == records)
  }

  @Test func `where no file can be made there is an error`() throws {
    let directory = try TestDirectory()
    try directory.write([1], to: "file", mode: 0o700)
    for path in ["\(directory.path)/nowhere", "\(directory.path)/file"] {
      #expect(throws: SystemError.self) { try StateFile.check(path) }
      #expect(throws: SystemError.self) { try StateFile(in: path, of: 0).write([record([1])]) }
    }
    #expect(throws: Never.self) { try StateFile.check(directory.path) }
    #expect(directory.names == ["file"])
    // A directory in the file's place can be neither read nor replaced.
    mkdir("\(directory.path)/\(Self.name)", 0o700)
    defer { rmdir("\(directory.path)/\(Self.name)") }
    #expect(throws: SystemError.self) { try StateFile(in: directory.path, of: 0).take() }
    #expect(throws: SystemError.self) { try StateFile(in: directory.path, of: 0).write([record([1])]) }
    #expect(directory.names.sorted() == ["file", Self.name], "and nothing is left of the attempt")
  }
}
