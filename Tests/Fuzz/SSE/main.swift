// Fuzzes what orchestrators send: event streams and lines of JSON. The first byte of an input says where the bytes are
// cut and how large an event may be; the rest is the stream.
//
// Whatever comes in, the events may not depend on the cuts, hold no byte that could break the stream they are written
// to, and have to survive being written and read again.

import Bytes
import Wire

/// What a stream led to, in a form that compares.
struct Outcome: Equatable {
  var events: [StreamEvent] = []
  var retry: Int?
  var sawAnyField = false
  var isTooLarge = false
}

func readStream(_ bytes: [UInt8], ends: [Int], maxEventBytes: Int) -> Outcome {
  var outcome = Outcome()
  var decoder = SSEDecoder(maxEventBytes: maxEventBytes)
  var begin = 0
  for end in ends {
    let input = bytes.span.extracting(begin..<end)
    var offset = 0
    do throws(StreamViolation) {
      while try decoder.next(in: input, at: &offset) {
        precondition(offset > 0 && offset <= input.count, "an event ends within the input")
        check(decoder.event, maxEventBytes: maxEventBytes)
        outcome.events.append(decoder.event)
      }
    } catch {
      outcome.isTooLarge = true
      return outcome
    }
    precondition(offset == input.count, "all of the input is used")
    begin = end
  }
  outcome.retry = decoder.retry
  outcome.sawAnyField = decoder.sawAnyField
  return outcome
}

func check(_ event: StreamEvent, maxEventBytes: Int) {
  for bytes in [event.type, event.data, event.id] {
    precondition(UTF8Repair.firstInvalid(in: bytes.span) == nil, "text is valid")
    precondition(!bytes.contains(0x0D), "no carriage return survives")
    precondition(bytes.count <= maxEventBytes, "an event keeps its bound")
  }
  precondition(!event.type.contains(0x0A) && !event.id.contains(0x0A) && !event.id.contains(0), "fields are one line")
}

func readLines(_ bytes: [UInt8], ends: [Int], maxEventBytes: Int) -> Outcome {
  var outcome = Outcome()
  var decoder = LineDecoder(maxEventBytes: maxEventBytes)
  var begin = 0
  for end in ends {
    let input = bytes.span.extracting(begin..<end)
    var offset = 0
    do throws(StreamViolation) {
      while try decoder.next(in: input, at: &offset) { outcome.events.append(decoder.event) }
    } catch {
      outcome.isTooLarge = true
      return outcome
    }
    precondition(offset == input.count, "all of the input is used")
    begin = end
  }
  if decoder.finish() { outcome.events.append(decoder.event) }
  return outcome
}

/// Writes the events with ids of our own and reads them back.
func checkRoundTrip(_ events: [StreamEvent]) {
  let prefix: [UInt8] = Array("run".utf8)
  var output: [UInt8] = []
  SSEEncoder.appendPriming(retryMilliseconds: 1, idPrefix: prefix.span, sequence: 0, to: &output)
  for (index, event) in events.enumerated() {
    SSEEncoder.append(
      idPrefix: prefix.span, sequence: UInt64(index + 1), type: event.type.span, data: event.data.span, to: &output)
    output.append(SSEEncoder.heartbeat)
  }
  let again = readStream(output, ends: [output.count], maxEventBytes: 1 << 30)
  precondition(again.events.count == events.count && again.retry == 1, "every event survives")
  for (index, (event, source)) in zip(again.events, events).enumerated() {
    precondition(event.data == source.data, "data survives")
    precondition(event.type == Array(source.type.prefix { $0 != 0 }), "a type survives up to a NUL")
    precondition(event.id == prefix + Array(".\(index + 1)".utf8) && event.hasID, "the id is ours")
  }
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventStream(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  let maxEventBytes = first & 0x80 == 0 ? 1 << 20 : Int(first & 0x3F)
  let whole = readStream(bytes, ends: [bytes.count], maxEventBytes: maxEventBytes)
  let wholeLines = readLines(bytes, ends: [bytes.count], maxEventBytes: maxEventBytes)
  let cut = min(Int(first), bytes.count)
  let cuts = bytes.count < 512 ? [[cut, bytes.count], Array(0...bytes.count)] : [[cut, bytes.count]]
  for ends in cuts {
    precondition(readStream(bytes, ends: ends, maxEventBytes: maxEventBytes) == whole, "no cut changes an event")
    precondition(readLines(bytes, ends: ends, maxEventBytes: maxEventBytes) == wholeLines, "no cut changes a line")
  }
  checkRoundTrip(whole.events)
  return 0
}
