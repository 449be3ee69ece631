import Reactor

/// The gateway: everything that has a default is left at it, but what many clients need.
struct Gateway: Peer {
  /// Its binary.
  let program: String
  /// Whether it writes warnings alone; otherwise it writes a line for each request.
  let isQuiet: Bool

  var name: String { isQuiet ? "sluice-quiet" : "sluice" }

  /// One upstream request is enough for all readers of a feed.
  func descriptorsPerClient(_ work: Work) -> Int { work == .chat ? 2 : 1 }

  func command(_ post: Post) throws(SystemError) -> [String] {
    let file = post.folder.path(of: "sluice.yaml")
    try SystemFile.write(configuration(post), to: file)
    return [program, "serve", "--config", file]
  }

  private func configuration(_ post: Post) -> String {
    """
    listen:
      - address: \(post.address)
    upstreams:
      stand-in:
        endpoints: ["http://\(post.upstream)"]
    routes:
      - path: /process/stream
        run: {upstream: stand-in}
      - path: /events
        feed: {upstream: stand-in, public: true}
    clients:
      connections: \(post.clients + 64)
    log:
      level: \(isQuiet ? "warning" : "info")

    """
  }
}
