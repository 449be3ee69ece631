import Reactor

/// What is compared: the gateway, nginx, and nothing at all.
enum Contender: Equatable {
  /// Clients go straight to the stand-in orchestrator: what a run costs without anything between.
  case direct
  /// The gateway; `isQuiet` is at log level warning, otherwise it writes a line for each run.
  case gateway(isQuiet: Bool)
  /// nginx as a reverse proxy, set up for streams and without an access log.
  case nginx

  /// What people call it.
  var name: String {
    switch self {
    case .direct: "direct"
    case .gateway(let isQuiet): isQuiet ? "sluice, level warning" : "sluice"
    case .nginx: "nginx"
    }
  }

  /// Starts it in front of the stand-in.
  ///
  /// - Parameters:
  ///   - orchestrator: what it passes requests on to.
  ///   - clients: how many are going to come at a time.
  ///   - bench: where it runs.
  /// - Returns: the server, which listens; end it.
  /// - Throws: `BenchError`; nothing is left running then.
  func start(before orchestrator: Orchestrator, clients: Int, on bench: Workbench) throws(BenchError) -> Server {
    switch self {
    case .direct:
      return Server.direct(orchestrator)
    case .gateway(let isQuiet):
      return try Server.start(name, before: orchestrator, on: bench) { address throws(SystemError) in
        let file = bench.folder.path(of: "sluice.yaml")
        try SystemFile.write(Self.gateway(at: address, before: orchestrator.address, isQuiet: isQuiet), to: file)
        return [bench.gateway, "serve", "--config", file]
      }
    case .nginx:
      guard let program = bench.nginx else { throw .notExecutable(path: "nginx", option: "PATH") }
      return try Server.start(name, before: orchestrator, on: bench) { address throws(SystemError) in
        let file = bench.folder.path(of: "nginx.conf")
        let text = Self.nginx(at: address, before: orchestrator.address, clients: clients, folder: bench.folder)
        try SystemFile.write(text, to: file)
        return [program, "-e", "stderr", "-c", file]
      }
    }
  }

  /// Everything that has a default is left at it.
  private static func gateway(at address: SocketAddress, before upstream: SocketAddress, isQuiet: Bool) -> String {
    """
    listen:
      - address: \(address)
    upstreams:
      stand-in:
        endpoints: ["http://\(upstream)"]
    routes:
      - path: /process/stream
        run: {upstream: stand-in}
    log:
      level: \(isQuiet ? "warning" : "info")

    """
  }

  /// The same work: nothing buffered, connections kept on both sides, as many of them unused as the gateway keeps.
  private static func nginx(
    at address: SocketAddress, before upstream: SocketAddress, clients: Int, folder: TemporaryFolder
  ) -> String {
    let connections = 4 * clients + 1024
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { name in
      "  \(name)_temp_path \(folder.path(of: "nginx-\(name)"));"
    }
    return """
      daemon off;
      worker_processes 1;
      worker_rlimit_nofile \(connections);
      pid \(folder.path(of: "nginx.pid"));
      error_log stderr warn;
      events {
        worker_connections \(connections);
      }
      http {
        access_log off;
      \(temporary.joined(separator: "\n"))
        keepalive_requests 1000000;
        upstream stand-in {
          server \(upstream);
          keepalive 1024;
          keepalive_requests 1000000;
        }
        server {
          listen \(address) backlog=65535;
          location / {
            proxy_pass http://stand-in;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
          }
        }
      }

      """
  }
}
