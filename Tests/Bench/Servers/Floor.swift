import Reactor

/// This very program as the least of servers: what the kernel needs for the work, whoever does it.
struct Floor: Peer {
  /// The benchmark's own binary.
  let program: String

  var name: String { "floor" }

  func descriptorsPerClient(_ work: Work) -> Int { work == .chat ? 2 : 1 }

  func command(_ post: Post) throws(SystemError) -> [String] {
    let kind = post.work == .chat ? "relay" : "broadcast"
    return [program, "floor", kind, "--port", "\(post.address.port)", "--upstream", "\(post.upstream.port)"]
  }
}
