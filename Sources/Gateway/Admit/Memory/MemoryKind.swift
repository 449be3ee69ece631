internal import Streams

/// What the gateway's memory is for, as `memory.budget` counts it and the metrics name it.
enum MemoryKind: Int, CaseIterable {
  /// What logs occupy, and the streams around them.
  case logs
  /// Heads and bodies of requests that are under way or not whole yet.
  case requests
  /// Answers that clients have not taken.
  case answers
  /// Requests that an upstream has not taken, and what came from it and is no whole event yet.
  case upstreams
  /// The connections themselves, clients' and upstreams'.
  case connections

  /// Which of all it is.
  var place: Int { rawValue }
}

/// What objects cost that have no size of their own to ask for, in bytes.
///
/// Rounded up from what the resident memory of a release build grew by for each of 4,000: 0.6 KiB for a connection that
/// waits, 0.9 KiB for one that reads a feed, 2.5 KiB for a run and its upstream's connection without an event. These are
/// this process's; `kernelBytes` are the kernel's, which no budget of ours can hold.
enum MemoryCost {
  /// A client's connection that waits for a request, its places in libevent and in the timing wheel included.
  static let connection = 1024
  /// A request until its stream has begun, beside its head and body.
  static let exchange = 2 * 1024
  /// A request whose stream has begun: its place in the stream.
  static let reader = 512
  /// A connection to an upstream.
  static let upstreamConnection = 2 * 1024
  /// What a run or feed takes when it begins: its stream with the first segment of its log, and its upstream's connection.
  static let stream = upstreamConnection + Budget.streamBytes + EventLog.firstSegmentBytes
  /// How far a reader may lag where nothing of the budget is left, whatever `streams.client_buffer` says.
  static let lag = 64 * 1024
  /// What the kernel has for a connection that waits: socket, file and epoll entry; bytes under way come on top.
  static let kernelBytes = 4 * 1024
}
