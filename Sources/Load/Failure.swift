internal import Glibc
internal import Reactor

/// Why a request has failed: no answer, or one that makes no sense.
enum Failure: String, CaseIterable, Sendable {
  case connectRefused = "connect_refused"
  case connectFailed = "connect_failed"
  case timeout
  case closedEarly = "closed_early"
  case reset
  case badAnswer = "bad_answer"
  case notAStream = "not_an_event_stream"
  case noPorts = "no_ports"
  case noDescriptors = "no_descriptors"

  /// What the operator can do, where something can be done on this side.
  var advice: String? {
    switch self {
    case .noPorts:
      "local ports ran out: give more source addresses (--source 127.0.0.1-127.0.0.20), or widen "
        + "net.ipv4.ip_local_port_range"
    case .noDescriptors: "descriptors ran out: raise the hard limit (ulimit -Hn), or give more --threads"
    case .notAStream: "an answer of 200 was no event stream; --any-content-type reads it as one"
    default: nil
    }
  }

  /// Why there is no connection.
  init(connecting error: SystemError) {
    self =
      switch error.code {
      case ECONNREFUSED: .connectRefused
      case ETIMEDOUT: .timeout
      case EADDRNOTAVAIL: .noPorts
      case EMFILE, ENFILE: .noDescriptors
      default: .connectFailed
      }
  }
}
