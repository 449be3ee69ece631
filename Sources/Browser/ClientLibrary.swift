/// The client library as the gateway serves it: plain files that are compiled into the binary.
///
/// A target of its own, because whoever changes the gateway need not compile them again.
public enum ClientLibrary {
  /// One file of the library.
  public struct File: Sendable {
    /// Where it is served.
    public let path: String
    /// Its media type.
    public let contentType: String
    /// What it holds.
    public let bytes: [UInt8]
  }

  /// The module, the hook for React that is built on it, and the types of both.
  public static var files: [File] {
    let script = "text/javascript; charset=utf-8"
    let types = "application/typescript; charset=utf-8"
    return [
      File(path: "/_sluice/client.js", contentType: script, bytes: PackageResources.client_js),
      File(path: "/_sluice/client.d.ts", contentType: types, bytes: PackageResources.client_d_ts),
      File(path: "/_sluice/react.js", contentType: script, bytes: PackageResources.react_js),
      File(path: "/_sluice/react.d.ts", contentType: types, bytes: PackageResources.react_d_ts),
    ]
  }
}
