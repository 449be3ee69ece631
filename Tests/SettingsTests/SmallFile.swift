import Support
import Testing

/// The smallest valid file that has a key, the key written as in `Settings.keys`.
struct SmallFile {
  /// A file that holds keys for `authentication.jwt`, in a folder with the certificate `cert.pem` and its `key.pem`.
  let keyFile: String

  /// The file with a key at a value, or with all around the key where there is no value.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - value: the value as it stands in the file; `nil` for none.
  ///   - beside: further keys with their values.
  /// - Returns: the file, on one line.
  func yaml(_ key: String, _ value: String?, beside: [String: String] = [:]) -> String {
    var root = Part.mapping([])
    let needed = needed(for: key).merging(beside) { $1 }.sorted { $0.key < $1.key }
    for (path, value) in needed where path != key { root.set(Self.names(of: path)[...], to: .text(value)) }
    let names = Self.names(of: key)
    if let value {
      // A path with brackets is a text only between quotation marks.
      let isPath = value.contains("[") && !value.hasPrefix("[")
      root.set(names[...], to: .text(isPath ? "\"\(value)\"" : value))
    } else {
      root.set(names.dropLast(), to: nil)
    }
    return "\(root)\n"
  }

  /// What no file with the key can do without.
  private func needed(for key: String) -> [String: String] {
    var needed = [
      "listen[].address": "\"127.0.0.1:8004\"", "upstreams.*.endpoints": "[http://a]", "routes[].path": "/a",
    ]
    needed[key.hasPrefix("routes[].feed") ? "routes[].feed.upstream" : "routes[].run.upstream"] = "chat"
    if key.hasPrefix("routes[].coalesce") { needed["routes[].slow_readers"] = "coalesce" }
    if key.hasPrefix("listen[].tls") || key == "listen[].hsts" {
      needed["listen[].tls.certificate"] = keyFile.replacing("keys.pem", with: "cert.pem")
      needed["listen[].tls.key"] = keyFile.replacing("keys.pem", with: "key.pem")
    }
    if key == "listen[].tls.client_certificates" {
      needed["listen[].tls.client_ca"] = keyFile.replacing("keys.pem", with: "cert.pem")
    }
    if key.hasPrefix("upstreams.*.tls") { needed["upstreams.*.endpoints"] = "[https://a]" }
    for place in ["", "routes[]."] {
      if key.hasPrefix("\(place)authentication.jwt") { needed["\(place)authentication.jwt.keys"] = keyFile }
      if key.hasPrefix("\(place)authentication.authorize") {
        needed["\(place)authentication.authorize.upstream"] = "chat"
        needed["\(place)authentication.authorize.path"] = "/verify"
      }
    }
    guard key.hasPrefix("limits[]") else { return needed }
    needed["limits[].name"] = "a"
    switch key {
    case "limits[].connections", "limits[].rate": break
    case "limits[].burst": needed["limits[].rate"] = "1/s"
    default: needed["limits[].streams"] = "1"
    }
    if key == "limits[].waiting" { needed["limits[].when_full"] = "wait 1s" }
    return needed
  }

  /// The names on the way to a key, `[]` for the item of a list.
  private static func names(of key: String) -> [String] {
    key.replacing("[]", with: ".[]").split(separator: ".").map { $0 == "*" ? "chat" : String($0) }
  }
}

/// A part of a file.
private enum Part: CustomStringConvertible {
  case text(String)
  case mapping([(name: String, part: Part)])
  case list(Item)

  /// The one item of a list.
  final class Item {
    var part: Part

    init(_ part: Part) {
      self.part = part
    }
  }

  /// Puts a part where the names lead, and mappings on the way; without a part, an empty mapping where there is nothing.
  mutating func set(_ names: ArraySlice<String>, to part: Part?) {
    guard let name = names.first else {
      if let part { self = part }
      return
    }
    let rest = names.dropFirst()
    if name == "[]" {
      if case .list = self {} else { self = .list(Item(.mapping([]))) }
      if case .list(let item) = self { item.part.set(rest, to: part) }
      return
    }
    guard case .mapping(var entries) = self else { return }
    let place = entries.firstIndex { $0.name == name } ?? entries.count
    if place == entries.count { entries.append((name, .mapping([]))) }
    entries[place].part.set(rest, to: part)
    self = .mapping(entries)
  }

  var description: String {
    switch self {
    case .text(let text): text
    case .mapping(let entries): "{\(entries.map { "\($0.name): \($0.part)" }.joined(separator: ", "))}"
    case .list(let item): "[\(item.part)]"
    }
  }
}

/// A folder with keys and a certificate in it, which goes with its owner.
final class KeyFolder {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("keys.pem", Self.pem)
    let issued = try TestAuthority().issue("DNS:a.example")
    try folder.write("cert.pem", issued.certificate)
    try folder.write("key.pem", issued.key)
  }

  var path: String { folder.path }

  /// Makes a file of this text.
  func write(_ name: String, _ text: String) throws { try folder.write(name, text) }

  /// Makes the files of a certificate and its key.
  func write(_ name: String, _ issued: TestAuthority.Issued) throws { try folder.write(name, issued) }

  /// RFC 8037 §A.2.
  private static let pem = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----
    """
}
