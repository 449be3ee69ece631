import Admission

extension CORSPolicy {
  /// Reads a policy; `nil` if it contradicts itself, which the reader has noted.
  init?(_ reader: SettingsReader) {
    let standard = CORSPolicy.sameOriginOnly
    let origins = reader.values(
      "origins", default: [], count: 0...256, allowed: "an origin such as https://app.example.com",
      "Exact origins, https://*.example.com for one level below, * for all, or null."
    ) { (text: String) throws(Mismatch) -> OriginPattern in
      do throws(AdmissionError) { return try OriginPattern(text) } catch { throw Mismatch(error.allowed) }
    }
    let credentials = reader.flag(
      "credentials", default: standard.credentials, "Whether pages may send the user's cookies; not with *.")
    let allowedHeaders = CORSPolicy.headers(
      reader, "allowed_headers",
      "Request fields beyond Last-Event-ID, Idempotency-Key, Authorization, Content-Type, Cache-Control, traceparent.")
    let exposedHeaders = CORSPolicy.headers(
      reader, "exposed_headers", "Response fields that scripts may read beyond Sluice-Run.")
    let maxAge = reader.duration(
      "max_age", default: standard.maxAge, in: .zero ... .seconds(86400), scale: .seconds,
      "How long browsers may keep the answer to a preflight.")
    let privateNetwork = reader.flag(
      "private_network", default: standard.privateNetwork,
      "Whether pages of a wider network may reach into this one; never those of * alone.")
    do throws(AdmissionError) {
      try self.init(
        origins: origins, credentials: credentials, allowedHeaders: allowedHeaders, exposedHeaders: exposedHeaders,
        maxAge: maxAge, privateNetwork: privateNetwork)
    } catch {
      reader.refuse("credentials", given: error.given, allowed: error.allowed)
      return nil
    }
  }

  private static func headers(_ reader: SettingsReader, _ key: String, _ summary: String) -> [String] {
    reader.values(key, default: [], count: 0...64, allowed: "the name of a header field", summary) {
      (text: String) throws(Mismatch) -> String in
      guard CORSPolicy.isHeaderName(text) else { throw Mismatch(AdmissionError.headerName(given: text).allowed) }
      return text
    }
  }
}
