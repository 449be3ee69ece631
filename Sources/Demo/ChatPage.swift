public import Gateway

/// The chat page, as the gateway serves it: plain files that are compiled into the binary.
public enum ChatPage {
  /// Every file, the page itself at `/`.
  public static var assets: [Asset] {
    let script = "text/javascript; charset=utf-8"
    return [
      Asset(path: "/", contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html),
      Asset(path: "/chat.css", contentType: "text/css; charset=utf-8", bytes: PackageResources.chat_css),
      Asset(path: "/icon.svg", contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
      Asset(path: "/answer_text.js", contentType: script, bytes: PackageResources.answer_text_js),
      Asset(path: "/chat.js", contentType: script, bytes: PackageResources.chat_js),
      Asset(path: "/conversation.js", contentType: script, bytes: PackageResources.conversation_js),
      Asset(path: "/display_pace.js", contentType: script, bytes: PackageResources.display_pace_js),
      Asset(path: "/event_log.js", contentType: script, bytes: PackageResources.event_log_js),
      Asset(path: "/event_meter.js", contentType: script, bytes: PackageResources.event_meter_js),
      Asset(path: "/run_error.js", contentType: script, bytes: PackageResources.run_error_js),
      Asset(path: "/run_stream.js", contentType: script, bytes: PackageResources.run_stream_js),
      Asset(path: "/turn.js", contentType: script, bytes: PackageResources.turn_js),
    ]
  }
}
