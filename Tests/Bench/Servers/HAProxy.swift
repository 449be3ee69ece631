import Reactor

/// HAProxy as a reverse proxy: one thread, nothing logged, connections to the orchestrator reused.
struct HAProxy: Peer {
  /// Its binary.
  let program: String

  var name: String { "haproxy" }

  func command(_ post: Post) throws(SystemError) -> [String] {
    let file = post.folder.path(of: "haproxy.cfg")
    try SystemFile.write(configuration(post), to: file)
    return [program, "-db", "-f", file]
  }

  private func configuration(_ post: Post) -> String {
    let connections = post.clients + 64
    return """
      global
        nbthread 1
        maxconn \(connections)
        ulimit-n \(Post.descriptors(2 * connections + 64))
      defaults
        mode http
        maxconn \(connections)
        option http-no-delay
        option http-keep-alive
        option abortonclose
        http-reuse always
        timeout connect 10s
        timeout http-request 30s
        timeout client 1h
        timeout server 1h
        timeout tunnel 1h
      frontend clients
        bind \(post.address) backlog 65535
        default_backend stand-in
      backend stand-in
        server stand-in \(post.upstream) pool-max-conn 1024

      """
  }
}
