internal import Bytes
public import Gateway

/// The demo's pages, as the gateway serves them: plain files that are compiled into the binary.
public enum ChatPage {
  /// Every file: the chat at `/`, and what six connections do to streams at `/connections`.
  public static var assets: [Asset] {
    let script = "text/javascript; charset=utf-8"
    let page = "text/html; charset=utf-8"
    let style = "text/css; charset=utf-8"
    return [
      Asset(path: "/", contentType: page, bytes: PackageResources.index_html),
      Asset(
        path: "/connections", contentType: page, bytes: PackageResources.connections_html, connectsTo: Self.neighbors),
      Asset(path: "/theme.css", contentType: style, bytes: PackageResources.theme_css),
      Asset(path: "/chat.css", contentType: style, bytes: PackageResources.chat_css),
      Asset(path: "/connections.css", contentType: style, bytes: PackageResources.connections_css),
      Asset(path: "/icon.svg", contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
      Asset(path: "/chat.js", contentType: script, bytes: PackageResources.chat_js),
      Asset(path: "/connections.js", contentType: script, bytes: PackageResources.connections_js),
      Asset(path: "/conversation.js", contentType: script, bytes: PackageResources.conversation_js),
      Asset(path: "/display_pace.js", contentType: script, bytes: PackageResources.display_pace_js),
      Asset(path: "/event_log.js", contentType: script, bytes: PackageResources.event_log_js),
      Asset(path: "/event_meter.js", contentType: script, bytes: PackageResources.event_meter_js),
      Asset(path: "/stream_panel.js", contentType: script, bytes: PackageResources.stream_panel_js),
      Asset(path: "/turn.js", contentType: script, bytes: PackageResources.turn_js),
    ]
  }

  /// What only the running demo knows, for its pages: where it listens, and how many events its long story has.
  ///
  /// - Parameters:
  ///   - port: the listener's without TLS.
  ///   - securePort: the listener's with TLS, `nil` where there is none.
  /// - Returns: a file of JSON.
  public static func places(port: UInt16, securePort: UInt16? = nil) -> Asset {
    let events = AgentRouter.script(for: "Tell me a long story").steps.count
    let secure = securePort.map(String.init) ?? "null"
    let json = "{\"port\":\(port),\"secure_port\":\(secure),\"story_events\":\(events)}\n"
    return Asset(path: "/demo.json", contentType: "application/json", bytes: Array(json.utf8))
  }

  /// This machine by its other name and over TLS: streams there don't take the page's own connections.
  private static let neighbors = [
    "http://localhost:*", "http://127.0.0.1:*", "https://localhost:*", "https://127.0.0.1:*",
  ]
}
