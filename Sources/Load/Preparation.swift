internal import Reactor

/// What has to be looked up and checked on this host before a test can begin.
enum Preparation {
  /// Finds the addresses, and checks sources and limits.
  ///
  /// - Throws: `LoadError`, where it makes no sense to begin.
  static func complete(_ plan: inout Plan) throws(LoadError) {
    try checkDescriptors(&plan)
    for target in plan.targets { plan.addresses.append(try resolve(target, for: plan)) }
    try checkPorts(plan)
    for source in plan.sources {
      do throws(SystemError) {
        try ClientSocket(source: source).checkSource()
      } catch {
        throw .usage(option: "--source", given: source.host, allowed: "addresses of this host (\(error))")
      }
    }
  }

  /// A thread's table takes as many descriptors as the process's limit says; more threads, more tables.
  private static func checkDescriptors(_ plan: inout Plan) throws(LoadError) {
    let room = ProcessLimits.raiseDescriptors() - LoadTest.ownDescriptors
    plan.ownsDescriptors = plan.connections > room
    let share = (plan.connections + plan.threads - 1) / plan.threads
    guard share > room else { return }
    throw .usage(
      option: "--connections", given: "\(plan.connections)",
      allowed: "at most \(max(0, room) * plan.threads) with --threads \(plan.threads), for the limit of open "
        + "descriptors is \(room + LoadTest.ownDescriptors) a thread (ulimit -Hn)")
  }

  /// A port serves one connection from a source address to each destination.
  private static func checkPorts(_ plan: Plan) throws(LoadError) {
    guard let ports = localPorts else { return }
    let ways = max(1, plan.sources.count) * Set(plan.addresses).count
    guard plan.connections > ports * ways else { return }
    throw .usage(
      option: "--connections", given: "\(plan.connections)",
      allowed: "at most \(ports * ways) from \(max(1, plan.sources.count)) source address(es), for there are \(ports) "
        + "local ports (net.ipv4.ip_local_port_range); more come with --source, as in --source 127.0.0.1-127.0.0.20")
  }

  private static func resolve(_ target: Target, for plan: Plan) throws(LoadError) -> SocketAddress {
    let fits = { (address: SocketAddress) in plan.sources.allSatisfy { $0.isSameFamily(as: address) } }
    if let address = SocketAddress(numeric: target.host, port: target.port) {
      guard fits(address) else { throw noFit(target) }
      return address
    }
    let answer = Locked<Resolver.Answer?>(nil)
    let resolver: Resolver
    do throws(SystemError) { resolver = try Resolver() } catch { throw .system(error) }
    resolver.resolve(target.host, port: target.port) { result in answer.change { $0 = result } }
    switch answer.wait({ $0 }) {
    case .failure(let error): throw .unresolved(host: target.host, words: error.description)
    case .success(let addresses):
      guard let address = addresses.first(where: fits) else { throw noFit(target) }
      return address
    }
  }

  private static func noFit(_ target: Target) -> LoadError {
    .usage(option: "--source", given: target.text, allowed: "addresses of the same family as the URL's")
  }

  /// The range of local ports, `nil` where the system does not say.
  ///
  /// ip(7), ip_local_port_range.
  static var localPorts: Int? {
    guard let bytes = try? FileBytes.read("/proc/sys/net/ipv4/ip_local_port_range") else { return nil }
    let numbers = String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }.compactMap { Int($0) }
    return numbers.count == 2 ? numbers[1] - numbers[0] + 1 : nil
  }
}

extension SocketAddress {
  /// Whether both are IPv4 or both are IPv6.
  func isSameFamily(as other: SocketAddress) -> Bool {
    host.contains(":") == other.host.contains(":")
  }
}
