internal import Bytes
internal import Settings
internal import Wire

/// Finds the route of a request: exact paths before prefixes, longer prefixes before shorter ones, a named host
/// before none.
///
/// - Thread: the worker's; a reload replaces the whole router, and streams under way keep their old route.
final class Router {
  private struct Table {
    var exact: [[UInt8]: Route] = [:]
    /// Longest first.
    var prefixes: [(path: [UInt8], route: Route)] = []

    mutating func add(_ pattern: PathPattern, _ route: Route) {
      switch pattern {
      case .exact(let path):
        exact[Array(path.utf8)] = route
      case .prefix(let path):
        prefixes.append((Array(path.utf8), route))
        prefixes.sort { $0.path.count > $1.path.count }
      }
    }

    func find(_ path: [UInt8]) -> Route? {
      if let route = exact[path] { return route }
      return prefixes.first { path.starts(with: $0.path) }?.route
    }
  }

  private var anyHost = Table()
  private var byHost: [String: Table] = [:]

  /// Adds a route; the settings have made sure that no two are equal.
  func add(host: String?, _ pattern: PathPattern, _ route: Route) {
    guard let host else { return anyHost.add(pattern, route) }
    byHost[host, default: Table()].add(pattern, route)
  }

  /// The route for a request, `nil` where none was configured.
  func route(for head: RequestHead) -> Route? {
    if !byHost.isEmpty, let route = byHost[head.host]?.find(head.path) { return route }
    return anyHost.find(head.path)
  }
}
