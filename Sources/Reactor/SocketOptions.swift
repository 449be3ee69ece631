internal import Glibc

/// How the kernel treats the peer of a TCP socket; a Unix socket has no such options.
public struct SocketOptions: Sendable, Equatable {
  /// After how long a silence the peer's system is asked whether it is there; 1 s to 32767 s.
  public var keepalive: Duration
  /// After how long a peer is cut whose system acknowledges nothing, `nil` for the kernel's choice.
  public var unacknowledged: Duration?
  /// How many bytes may wait that are not on their way, `nil` for as many as the kernel likes.
  public var unsentBytes: Int?

  /// The options as they are.
  public init(keepalive: Duration = .seconds(30), unacknowledged: Duration? = nil, unsentBytes: Int? = nil) {
    self.keepalive = keepalive
    self.unacknowledged = unacknowledged
    self.unsentBytes = unsentBytes
  }

  /// How many questions stay without an answer before the peer is given up.
  private static let probes: Int32 = 3

  /// Sets the options; accepted sockets inherit those of the one that listens.
  ///
  /// tcp(7): TCP_NODELAY, for small writes go out at once; SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT, so
  /// that a peer that is gone without a word is found out, also where nothing is written; TCP_USER_TIMEOUT; and
  /// TCP_NOTSENT_LOWAT, so that what a peer does not take is felt at once.
  func apply(to descriptor: Int32) {
    let idle = Int32(clamping: max(1, keepalive.components.seconds))
    let tcp = Int32(IPPROTO_TCP)
    setOption(descriptor, tcp, TCP_NODELAY, 1)
    setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    setOption(descriptor, tcp, TCP_KEEPIDLE, idle)
    setOption(descriptor, tcp, TCP_KEEPINTVL, max(1, idle / Self.probes))
    setOption(descriptor, tcp, TCP_KEEPCNT, Self.probes)
    if let unacknowledged {
      setOption(descriptor, tcp, TCP_USER_TIMEOUT, Int32(clamping: unacknowledged.wholeMilliseconds))
    }
    if let unsentBytes { setOption(descriptor, tcp, TCP_NOTSENT_LOWAT, Int32(clamping: unsentBytes)) }
  }
}
