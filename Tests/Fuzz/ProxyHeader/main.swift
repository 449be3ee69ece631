// Fuzzes what a connection through a proxy begins with. The first byte of an input says where the bytes are cut; the
// rest is what the proxy and, behind it, the client send.
//
// Whatever comes in, the outcome may not depend on the cuts or on what follows, nothing may reach beyond the input, and
// an address that was found has to survive being written and read again.

import Bytes
import Wire

/// What the bytes led to, in a form that compares.
enum Outcome: Equatable {
  case incomplete
  case header(ProxyHeader)
  case refused(ProxyViolation)
}

func read(_ bytes: [UInt8], ends: [Int]) -> Outcome {
  do throws(ProxyViolation) {
    for end in ends {
      guard let header = try ProxyHeader.parse(bytes.span.extracting(..<end)) else { continue }
      precondition(header.byteCount > 0 && header.byteCount <= end, "a header lies within the input")
      precondition(header.byteCount <= ProxyHeader.longestBinary, "a header keeps its bound")
      return .header(header)
    }
  } catch {
    precondition(!error.reason.isEmpty, "a refusal can be told")
    return .refused(error)
  }
  precondition(bytes.count < ProxyHeader.longestBinary, "as many bytes as a header may have decide")
  return .incomplete
}

func check(_ header: ProxyHeader, of bytes: [UInt8]) {
  precondition(
    read(Array(bytes.prefix(header.byteCount)), ends: [header.byteCount]) == .header(header), "it ends there")
  precondition(read(bytes, ends: [header.byteCount - 1]) == .incomplete, "it takes all of its bytes")
  guard case .client(let address, let port) = header.source else { return }
  precondition(IPAddress(address.description) == address, "an address survives")
  // The same as a line, which is another way to say it.
  let line = "PROXY \(address.isIPv4 ? "TCP4" : "TCP6") \(address) \(address) \(port) 0\r\n"
  let again = read(Array(line.utf8), ends: [line.utf8.count])
  guard case .header(let read) = again else { preconditionFailure("what was written is a header") }
  precondition(read.source == header.source, "a line means the same")
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxyHeader(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  let whole = read(bytes, ends: [bytes.count])
  let cut = min(Int(first), bytes.count)
  precondition(read(bytes, ends: [cut, bytes.count]) == whole, "one cut changes nothing")
  if bytes.count < 512 { precondition(read(bytes, ends: Array(0...bytes.count)) == whole, "no cut changes anything") }
  if case .header(let header) = whole { check(header, of: bytes) }
  guard whole != .incomplete else { return 0 }
  let longer = bytes + [first, 0x0D, 0x0A]
  precondition(read(longer, ends: [longer.count]) == whole, "what follows changes nothing")
  return 0
}
