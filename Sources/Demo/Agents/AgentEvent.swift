// The six events of an answer, as the JSON that an orchestrator puts on the wire.

import Bytes
import Wire

/// One event of an agent's answer.
enum AgentEvent {
  case routingStarted(message: String)
  case routingCompleted(agent: Agent)
  case agentExecutionStarted(agent: Agent)
  case responseChunk(text: Substring)
  case completed(text: String)
  case error(reason: String, message: String)

  /// The event as JSON text, in one line.
  var json: [UInt8] {
    var json: [UInt8] = []
    switch self {
    case .routingStarted(let message):
      json.append(#"{"event":"routing_started","message":"#)
      json.append(quoted: message)
    case .routingCompleted(let agent):
      json.append(#"{"event":"routing_completed","agent":"#)
      json.append(quoted: agent.rawValue)
      json.append(#","reason":"#)
      json.append(quoted: agent.reason)
    case .agentExecutionStarted(let agent):
      json.append(#"{"event":"agent_execution_started","agent":"#)
      json.append(quoted: agent.rawValue)
    case .responseChunk(let text):
      json.append(#"{"event":"response_chunk","response_data":"#)
      json.append(responseData: String(text))
      json.append(#","protocol":"a2a""#)
    case .completed(let text):
      json.append(#"{"event":"completed","response_data":"#)
      json.append(responseData: text)
    case .error(let reason, let message):
      json.append(#"{"event":"error","source":"agent","reason":"#)
      json.append(quoted: reason)
      json.append(#","message":"#)
      json.append(quoted: message)
    }
    json.append("}")
    return json
  }
}

extension [UInt8] {
  fileprivate mutating func append(quoted text: String) {
    JSONScanner.append(quoted: text.utf8Span.span, to: &self)
  }

  /// Text in the place where the agent-to-agent protocol has it: the parts of a message.
  fileprivate mutating func append(responseData text: String) {
    append(#"{"raw_response":{"parts":[{"kind":"text","text":"#)
    append(quoted: text)
    append("}]}}")
  }
}
