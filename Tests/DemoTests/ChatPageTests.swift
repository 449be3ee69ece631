import Gateway
import Testing

@testable import Demo

/// What the browser would find out late: a file that is not served, an id that is not there, a policy that is broken.
@Suite struct ChatPageTests {
  private let texts: [String: String]

  init() {
    let pairs = ChatPage.assets.map { ($0.path, String(decoding: $0.bytes, as: UTF8.self)) }
    texts = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }

  @Test func `every file has a path of its own`() {
    #expect(texts.count == ChatPage.assets.count)
  }

  @Test func `every file that a file names is served, and nothing else`() throws {
    var named: Set<String> = ["/"]
    for text in texts.values {
      for match in text.matches(of: /(?:src|href)="([^":]+)"|from '\.\/([^']+)'/) {
        let name = match.1 ?? match.2 ?? ""
        named.insert(name.hasPrefix("/") ? String(name) : "/\(name)")
      }
    }
    #expect(named == Set(texts.keys))
  }

  @Test func `the page keeps to its content security policy`() throws {
    for page in [try #require(texts["/"]), try #require(texts["/connections"])] {
      #expect(page.matches(of: /<script(?![^>]* src=)/).isEmpty)
      #expect(page.matches(of: /<style|\sstyle=|\son[a-z]+=/).isEmpty)
    }
    // The page about connections names this machine's other name, and nothing else.
    for (path, text) in texts where path != "/icon.svg" && path != "/connections.js" {
      #expect(text.matches(of: /(?:https?:|data:|\/\/cdn)/).isEmpty, "\(path) refers to another origin")
    }
  }

  @Test func `the scripts never turn text into markup or code`() {
    let risky = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/
    for (path, text) in texts where path.hasSuffix(".js") {
      #expect(text.matches(of: risky).isEmpty, "\(path)")
    }
  }

  @Test func `every element that the scripts look up is in the page, once`() throws {
    for (page, script) in [("/", "/chat.js"), ("/connections", "/connections.js")] {
      let page = try #require(texts[page])
      let wanted = Set(try #require(texts[script]).matches(of: /(?:byId|write)\('([a-z-]+)'/).map(\.1))
      #expect(wanted.count > 4)
      for id in wanted {
        #expect(page.ranges(of: "id=\"\(id)\"").count == 1, "\(id)")
      }
    }
  }

  @Test func `what the pages must know of the demo is told as JSON`() {
    let places = String(decoding: ChatPage.places(port: 8004, securePort: 8443).bytes, as: UTF8.self)
    #expect(places.hasPrefix(#"{"port":8004,"secure_port":8443,"story_events":"#))
    #expect(String(decoding: ChatPage.places(port: 1).bytes, as: UTF8.self).contains(#""secure_port":null"#))
  }

  @Test(
    "a suggestion reaches the agent that it is meant to show",
    arguments: [
      ("What's 2+2?", Agent.math), ("Tell me a long story", .story), ("Echo: still waters", .echo),
      ("Fail halfway", .fail), ("Stall", .stall), ("Crash", .crash),
    ])
  func suggestion(text: String, agent: Agent) throws {
    #expect(try #require(texts["/"]).contains("<button type=\"button\">\(text)</button>"))
    #expect(AgentRouter.agent(for: text) == agent)
  }
}
