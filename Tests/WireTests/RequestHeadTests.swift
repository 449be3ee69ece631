import Bytes
import Testing
import Wire

/// Requests as real clients send them.
enum Requests {
  static let eventSource = """
    GET /process/stream?message=hello%20world&session=4f2c1a HTTP/1.1\r
    Host: Chat.Example.com:8443\r
    Connection: keep-alive\r
    sec-ch-ua-platform: "Linux"\r
    Cache-Control: no-cache\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r
    Accept: text/event-stream\r
    sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"\r
    sec-ch-ua-mobile: ?0\r
    Origin: https://app.example.com\r
    Sec-Fetch-Site: same-site\r
    Sec-Fetch-Mode: cors\r
    Sec-Fetch-Dest: empty\r
    Referer: https://app.example.com/chat\r
    Accept-Encoding: gzip, deflate, br, zstd\r
    Accept-Language: en-US,en;q=0.9\r
    Cookie: session=0123456789abcdef; theme=dark\r
    Last-Event-ID: 0123456789abcdef.42\r
    \r

    """
  static let fetch = """
    POST /process/stream HTTP/1.1\r
    host: chat.example.com\r
    connection: keep-alive\r
    content-type: application/json\r
    accept: text/event-stream\r
    content-length: 27\r
    accept-language: *\r
    sec-fetch-mode: cors\r
    user-agent: node\r
    accept-encoding: gzip, deflate\r
    \r

    """
  static let chunked = """
    POST /topics/news HTTP/1.1\r
    Host: [2001:db8::1]:8080\r
    Transfer-Encoding: chunked\r
    Expect: 100-continue\r
    X-Note: caf\u{E9} \t  \r
    X-Empty:\r
    \r

    """
  static let proxy = "GET http://Shop.example:80/cart?x=%zz HTTP/1.1\r\nHost: other.example\r\n\r\n"
  static let old = "GET /status HTTP/1.0\r\n\r\n"
  static let options = "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n"
  static let leadingLine = "\r\nPATCH /a//b/...//c.d/%E2%82%AC;v=1 HTTP/1.1\r\nHost:a\r\n\r\n"

  static let all = [eventSource, fetch, chunked, proxy, old, options, leadingLine]
}

@Suite struct RequestHeadTests {
  @Test func `an EventSource request of a browser is read in full`() throws {
    let head = try #require(try requestHead(Requests.eventSource))
    #expect(head.method == .get)
    #expect(head.path.text == "/process/stream")
    #expect(head.query.text == "message=hello%20world&session=4f2c1a")
    #expect(head.hasQuery)
    #expect(head.version == .http11)
    #expect(head.authority == "chat.example.com:8443")
    #expect(head.host == "chat.example.com")
    #expect(head.fields.count == 17)
    #expect(head.fields.string(.lastEventID) == "0123456789abcdef.42")
    #expect(head.fields.string(.origin) == "https://app.example.com")
    #expect(head.fields.string(.secFetchSite) == "same-site")
    #expect(head.persistsConnection)
    #expect(!head.expectsContinue)
    #expect(try head.bodyFraming() == .none)
  }

  @Test func `a fetch request keeps its lower-case names and states its length`() throws {
    let head = try #require(try requestHead(Requests.fetch))
    #expect(head.method == .post)
    #expect(head.fields.lines.first == "host: chat.example.com")
    #expect(head.query.isEmpty)
    #expect(!head.hasQuery)
    #expect(try head.bodyFraming() == .length(27))
  }

  @Test func `a chunked request expects to be continued and its values are trimmed`() throws {
    let head = try #require(try requestHead(Requests.chunked))
    #expect(head.authority == "[2001:db8::1]:8080")
    #expect(head.host == "[2001:db8::1]")
    #expect(head.expectsContinue)
    #expect(try head.bodyFraming() == .chunked)
    #expect(head.fields.lines.suffix(2) == ["X-Note: caf\u{E9}", "X-Empty: "])
  }

  @Test func `the authority of an absolute target wins over the host field`() throws {
    let head = try #require(try requestHead(Requests.proxy))
    #expect(head.path.text == "/cart")
    #expect(head.query.text == "x=%zz")
    #expect(head.authority == "shop.example:80")
    #expect(head.host == "shop.example")
    let bare = try #require(try requestHead("GET HTTPS://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n"))
    #expect(bare.path.text == "/")
    #expect(bare.query.text == "q")
  }

  @Test func `an HTTP 1.0 request needs no host and closes unless it asks`() throws {
    let head = try #require(try requestHead(Requests.old))
    #expect(head.version == .http10)
    #expect(head.authority.isEmpty)
    #expect(!head.persistsConnection)
    let asking = try requestHead("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n")
    #expect(asking?.persistsConnection == true)
    let continuing = try requestHead("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
    #expect(continuing?.expectsContinue == false)
  }

  @Test func `OPTIONS may ask for the server itself`() throws {
    let head = try #require(try requestHead(Requests.options))
    #expect(head.method == .options)
    #expect(head.path.text == "*")
  }

  @Test func `one empty line before the request line is passed over`() throws {
    let bytes = Array(Requests.leadingLine.utf8)
    var parser = RequestHeadParser(limits: roomy)
    let read = try parser.parse(bytes.span)
    let (head, consumed) = try #require(read)
    #expect(head.method == .patch)
    #expect(head.path.text == "/a//b/...//c.d/%E2%82%AC;v=1")
    #expect(consumed == bytes.count)
  }

  @Test(arguments: ["close", "Close", "keep-alive, close", "a,CLOSE , b"])
  func `close among the connection options ends the connection`(value: String) throws {
    let head = try requestHead("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n")
    #expect(head?.persistsConnection == false)
  }

  @Test func `pipelined requests are read one after the other`() throws {
    let first = Array(Requests.old.utf8)
    let both = first + Array(Requests.options.utf8) + Array("GE".utf8)
    var parser = RequestHeadParser(limits: roomy)
    let one = try parser.parse(both.span)
    let consumed = try #require(one).consumed
    #expect(consumed == first.count)
    let two = try parser.parse(both.span.extracting(consumed...))
    let (second, rest) = try #require(two)
    #expect(second.method == .options)
    let three = try parser.parse(both.span.extracting((consumed + rest)...))
    #expect(three == nil)
  }

  @Test(arguments: [
    "a", "a.example", "a.example.", "A.EXAMPLE:1", "x_y-z~0.test:65535", "127.0.0.1:80", "[::]", "[::1]:443",
    "[1:2:3:4:5:6:7:8]", "[1::8]", "[::ffff:192.0.2.1]", "[1:2:3:4:5:6:192.0.2.255]", "[fe80::]",
  ])
  func `a well-formed host is taken over in lower case`(host: String) throws {
    let head = try #require(try requestHead("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"))
    #expect(head.authority == host.lowercased())
  }

  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "M-SEARCH", "P"])
  func `a method keeps its name`(name: String) throws {
    let head = try #require(try requestHead("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n"))
    #expect(head.method.name == name)
    #expect(method(name) == head.method)
  }

  @Test func `a method is a token of at most 32 characters`() {
    #expect(method("A B") == nil)
    #expect(method("") == nil)
    #expect(method(String(repeating: "A", count: 32)) != nil)
    #expect(method(String(repeating: "A", count: 33)) == nil)
    #expect(method("CONNECT") == .connect)
  }

  private func method(_ name: String) -> Wire.Method? {
    Wire.Method(Array(name.utf8).span)
  }

  @Test func `a head made of parts checks its authority`() throws {
    let fields = FieldSection()
    let head = try RequestHead(
      method: .get, path: Array("/a".utf8), query: nil, version: .http11, authority: Array("A.example:8".utf8).span,
      fields: fields)
    #expect(head.host == "a.example")
    #expect(!head.hasQuery)
    #expect(throws: HTTPViolation.userinfoInAuthority) {
      try RequestHead(
        method: .get, path: Array("/".utf8), query: [], version: .http11, authority: Array("u@a".utf8).span,
        fields: fields)
    }
  }
}
