/// The servers that can be measured here.
enum Peers {
  /// The names there are; the last is measured only where it is asked for.
  static let names = ["sluice", "floor", "nginx", "nchan", "haproxy", "sluice-quiet"]
  /// Who is measured where nobody is named.
  static let usual = names.dropLast()

  /// A server by its name.
  ///
  /// - Parameters:
  ///   - name: one of `names`.
  ///   - gateway: the gateway's binary.
  /// - Returns: `nil` where it is not installed.
  static func find(_ name: String, gateway: String) -> (any Peer)? {
    switch name {
    case "sluice": Gateway(program: gateway, isQuiet: false)
    case "sluice-quiet": Gateway(program: gateway, isQuiet: true)
    case "floor": Floor(program: Program.own)
    case "nginx": Program.find("nginx").map { Nginx(program: $0) }
    case "nchan": Program.find("nginx").flatMap { Nchan(nginx: $0) }
    case "haproxy": Program.find("haproxy").map { HAProxy(program: $0) }
    default: nil
    }
  }
}
