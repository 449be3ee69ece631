import Foundation
import Testing

@testable import Demo

/// What a client makes of a script: its events, parsed by a JSON parser that is not ours.
struct PlayedScript {
  /// The `event` field of every event.
  var kinds: [String] = []
  /// The message that the answer is about.
  var message = ""
  /// The chosen agent.
  var agent = ""
  /// The texts of all chunks, put together.
  var text = ""
  /// How many chunks there were.
  var chunks = 0
  /// The text of the `completed` event, where there is one.
  var completedText: String?
  /// The fields of the `error` event, where there is one.
  var error: [String: String]?
  /// The last step, where it is not an event.
  var cut: String?
}

/// Plays a script without waiting; fails on anything that is not an event of the known shapes.
func played(_ script: AgentScript) throws -> PlayedScript {
  var played = PlayedScript()
  for step in script.steps {
    #expect(played.cut == nil, "nothing comes after the end")
    switch step.body {
    case .stall: played.cut = "stall"
    case .abort: played.cut = "abort"
    case .event(let json):
      #expect(!json.contains(10) && !json.contains(13), "an event is one line")
      try played.take(try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]))
    }
  }
  return played
}

extension PlayedScript {
  fileprivate mutating func take(_ event: [String: Any]) throws {
    let kind = try #require(event["event"] as? String)
    kinds.append(kind)
    var fields: Set<String> = ["event"]
    switch kind {
    case "routing_started":
      message = try #require(event["message"] as? String)
      fields = ["event", "message"]
    case "routing_completed":
      agent = try #require(event["agent"] as? String)
      #expect(try #require(event["reason"] as? String).isEmpty == false)
      fields = ["event", "agent", "reason"]
    case "agent_execution_started":
      #expect(event["agent"] as? String == agent)
      fields = ["event", "agent"]
    case "response_chunk":
      text += try Self.text(of: event)
      chunks += 1
      #expect(event["protocol"] as? String == "a2a")
      fields = ["event", "response_data", "protocol"]
    case "completed":
      completedText = try Self.text(of: event)
      fields = ["event", "response_data"]
    case "error":
      error = try #require(event as? [String: String])
      fields = ["event", "source", "reason", "message"]
    default:
      Issue.record("an event of an unknown kind: \(kind)")
    }
    #expect(Set(event.keys) == fields)
  }

  private static func text(of event: [String: Any]) throws -> String {
    let response = try #require(event["response_data"] as? [String: [String: [[String: String]]]])
    let parts = try #require(response["raw_response"]?["parts"])
    #expect(parts.count == 1)
    #expect(parts[0]["kind"] == "text")
    return try #require(parts[0]["text"])
  }
}
