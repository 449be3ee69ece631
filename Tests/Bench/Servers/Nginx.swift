import Reactor

/// nginx as a reverse proxy: nothing buffered, nothing logged, connections kept on both sides.
struct Nginx: Peer {
  /// Its binary.
  let program: String

  var name: String { "nginx" }

  func command(_ post: Post) throws(SystemError) -> [String] {
    let file = post.folder.path(of: "nginx.conf")
    let location = """
      proxy_pass http://stand-in;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
      """
    let upstream = "upstream stand-in { server \(post.upstream); keepalive 1024; keepalive_requests 1000000; }"
    try SystemFile.write(
      Self.configuration(post, http: upstream, locations: "location / {\n\(location)\n}"), to: file)
    return [program, "-e", "stderr", "-c", file]
  }

  /// A configuration with what every use of it needs.
  ///
  /// - Parameters:
  ///   - post: where it is to stand.
  ///   - modules: what is loaded.
  ///   - http: directives of the http block.
  ///   - locations: what the server serves.
  /// - Returns: the text of the file.
  static func configuration(_ post: Post, modules: String = "", http: String, locations: String) -> String {
    let connections = 4 * post.clients + 1024
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { name in
      "\(name)_temp_path \(post.folder.path(of: "nginx-\(name)"));"
    }
    return """
      \(modules)
      daemon off;
      worker_processes 1;
      worker_rlimit_nofile \(Post.descriptors(connections));
      pid \(post.folder.path(of: "nginx.pid"));
      error_log stderr crit;
      events {
        use epoll;
        worker_connections \(connections);
      }
      http {
        access_log off;
      \(temporary.joined(separator: "\n"))
        keepalive_requests 1000000;
        tcp_nodelay on;
        \(http)
        server {
          listen \(post.address) backlog=65535;
          \(locations)
        }
      }

      """
  }
}

extension Post {
  /// A limit of open descriptors that the system grants without privilege: what is wanted, or all there is.
  static func descriptors(_ wanted: Int) -> Int {
    min(wanted, ProcessLimits.raiseDescriptors())
  }
}
