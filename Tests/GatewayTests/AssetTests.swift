import Admission
import Testing
import Wire

@testable import Gateway

@Suite struct AssetTests {
  private let asset = Asset(path: "/page", contentType: "text/html", bytes: Array("page".utf8))

  private func answer(_ asset: Asset, _ fields: String = "") throws -> Response {
    var parser = RequestHeadParser(limits: HeadLimits(headBytes: 8192, targetBytes: 4096))
    let request = "GET \(asset.path) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n"
    return asset.response(to: try #require(try parser.parse(Array(request.utf8).span)?.head))
  }

  private func text(_ response: Response) -> String {
    String(decoding: response.head.fields.bytes, as: UTF8.self)
  }

  @Test func `who has it is told so, without it`() throws {
    let tag = asset.entityTag
    for known in [tag, "W/\(tag)", "\"a\", \(tag)", "\"a\" ,\tW/\(tag)", "*"] {
      let response = try answer(asset, "If-None-Match: \(known)\r\n")
      #expect(response.head.status == 304, "\(known)")
      #expect(response.body.isEmpty)
    }
    for other in ["\"a\"", "\"\"", String(tag.dropLast()), "a\(tag)"] {
      let response = try answer(asset, "If-None-Match: \(other)\r\n")
      #expect(response.head.status == 200, "\(other)")
      #expect(response.body == asset.bytes)
    }
  }

  @Test func `other bytes have another tag`() {
    let other = Asset(path: asset.path, contentType: asset.contentType, bytes: Array("pages".utf8))
    #expect(other.entityTag != asset.entityTag)
    #expect(other.entityTag.count == 34)
  }

  @Test func `a page keeps to its own origin, and to those that it names`() throws {
    let own = text(try answer(asset))
    #expect(own.contains("default-src 'self'"))
    #expect(!own.contains("connect-src"))
    let open = Asset(path: "/", contentType: "text/html", bytes: [], connectsTo: ["http://localhost:*"])
    #expect(text(try answer(open)).contains("default-src 'self'; connect-src 'self' http://localhost:*"))
  }

  @Test func `the client library is for every origin`() throws {
    #expect(Set(Asset.clientLibrary.map(\.path)).isSuperset(of: ["/_sluice/client.js", "/_sluice/react.js"]))
    for file in Asset.clientLibrary {
      #expect(file.cors.origins == [.any])
      #expect(!file.cors.credentials)
      let fields = text(try answer(file))
      #expect(fields.contains("cross-origin"))
      // Of a worker it would be the policy, too.
      #expect(!fields.contains("default-src"))
    }
    #expect(asset.cors == .sameOriginOnly)
  }
}
