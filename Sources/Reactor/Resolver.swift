internal import CSystem
internal import Glibc

/// Why a name has no address.
public struct ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The resolver's own words, such as "name or service not known".
  public let description: String
}

/// Resolves names on a thread of its own, since getaddrinfo(3) blocks.
///
/// It follows the system's rules (/etc/hosts, nsswitch), which a resolver on the loop would not.
/// - Thread: `resolve` from any; replies come on the resolver's thread, which posts them to a mailbox.
/// - Bound: requests wait in order; callers ask once per name and time.
public final class Resolver: Sendable {
  /// What a request ends in: at least one address, in the order to try them.
  public typealias Answer = Result<[SocketAddress], ResolveError>

  fileprivate struct Request: Sendable {
    let host: String
    let port: UInt16
    let reply: @Sendable (Answer) -> Void
  }

  fileprivate struct Queue: Sendable {
    var requests: [Request] = []
    var isClosed = false

    /// A request, `nil` inside when there will be no more, `nil` outside when it is to be waited for.
    mutating func next() -> Request?? {
      if isClosed { return .some(nil) }
      return requests.isEmpty ? nil : .some(requests.removeFirst())
    }
  }

  private let queue = Locked(Queue())

  /// Starts the thread.
  ///
  /// - Throws: `SystemError` where no thread is to be had.
  public init() throws(SystemError) {
    let queue = queue
    let thread = try Thread("resolver") {
      while let request = queue.wait({ queue in queue.next() }) {
        request.reply(Self.lookUp(request.host, request.port))
      }
    }
    thread.detach()
  }

  deinit {
    queue.change { $0.isClosed = true }
  }

  /// Asks for the addresses of a host.
  ///
  /// The reply is called once, on the resolver's thread.
  public func resolve(_ host: String, port: UInt16, reply: @escaping @Sendable (Answer) -> Void) {
    queue.change { $0.requests.append(Request(host: host, port: port, reply: reply)) }
  }

  private static func lookUp(_ host: String, _ port: UInt16) -> Answer {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, "\(port)", &hints, &list)
    guard code == 0 else {
      let words = unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
      return .failure(ResolveError(description: words.lowercased()))
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      var storage = sockaddr_storage()
      let length = unsafe min(Int(entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
      unsafe withUnsafeMutableBytes(of: &storage) { bytes in
        guard let source = unsafe entry.pointee.ai_addr else { return }
        unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: length))
      }
      if let address = SocketAddress(storage), !addresses.contains(address) { addresses.append(address) }
      unsafe next = entry.pointee.ai_next
    }
    return addresses.isEmpty
      ? .failure(ResolveError(description: "no usable address")) : .success(addresses)
  }
}
