import Reactor

/// Nchan, nginx's publish and subscribe module: events are posted to it and it keeps the newest few.
struct Nchan: Peer {
  /// Where events are published.
  static let publisherPath = "/publish"
  /// Where distributions put nginx's modules.
  private static let folders = [
    "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules", "/usr/local/nginx/modules",
  ]

  /// nginx's binary.
  let program: String
  /// The module's file.
  let module: String

  /// `nil` where the module is not installed.
  init?(nginx: String) {
    let files = Self.folders.map { "\($0)/ngx_nchan_module.so" }
    guard let module = files.first(where: { SystemFile.exists($0) }) else { return nil }
    program = nginx
    self.module = module
  }

  var name: String { "nchan" }
  var isHub: Bool { true }

  func descriptorsPerClient(_ work: Work) -> Int { 1 }
  func serves(_ work: Work) -> Bool { work != .chat }
  func feedPath(_ work: Work) -> String { work == .churn ? "/latest" : "/events" }

  func command(_ post: Post) throws(SystemError) -> [String] {
    let file = post.folder.path(of: "nginx.conf")
    // So many as may be on their way; without any, a subscriber that is just being written to would miss some.
    let http = """
      nchan_shared_memory_size 512M;
      nchan_message_buffer_length 64;
      nchan_message_timeout 1h;
      client_body_buffer_size 64k;
      """
    let subscribers = [("/events", "newest"), ("/latest", "-1")].map { path, first in
      """
      location = \(path) {
        nchan_subscriber eventsource;
        nchan_channel_id bench;
        nchan_subscriber_first_message \(first);
      }
      """
    }
    let publisher = "location = \(Self.publisherPath) { nchan_publisher; nchan_channel_id bench; }"
    let locations = ([publisher] + subscribers).joined(separator: "\n")
    let text = Nginx.configuration(post, modules: "load_module \(module);", http: http, locations: locations)
    try SystemFile.write(text, to: file)
    return [program, "-e", "stderr", "-c", file]
  }
}
