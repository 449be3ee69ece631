/// Which URL, domain and source address a client has, by their numbers.
struct Assignment: Equatable, Sendable {
  let target: Int
  private(set) var domain: Int
  private(set) var source: Int

  /// Deals all three out in turn, and shifts whenever they would repeat together.
  ///
  /// So many clients as the product of the three numbers meet every combination exactly once, and any number of clients
  /// in a row is spread evenly over each of the three.
  ///
  /// - Parameters:
  ///   - client: from 0.
  ///   - targets: how many URLs there are, at least 1.
  ///   - domains: how many domains, at least 1.
  ///   - sources: how many source addresses, at least 1.
  init(client: Int, targets: Int, domains: Int, sources: Int) {
    target = client % targets
    let hosts = targets * domains
    domain = (client + client % hosts / Self.leastCommonMultiple(targets, domains)) % domains
    source = (client + client % (hosts * sources) / Self.leastCommonMultiple(hosts, sources)) % sources
  }

  /// The same with another domain.
  func with(domain: Int) -> Assignment {
    var copy = self
    copy.domain = domain
    return copy
  }

  /// The same with another source address.
  func with(source: Int) -> Assignment {
    var copy = self
    copy.source = source
    return copy
  }

  private static func leastCommonMultiple(_ left: Int, _ right: Int) -> Int {
    var (larger, smaller) = (left, right)
    while smaller > 0 { (larger, smaller) = (smaller, larger % smaller) }
    return left / larger * right
  }
}
