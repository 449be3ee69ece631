// Fuzzes what merges chunks of text for slow readers. The first byte of an input says how large a merged event may be and
// which rule holds; the rest are the data of events, one a line, a tab standing for a line feed within one.
//
// Whatever the events are, the merged stream has to be made of them: those that are no chunks stay byte for byte, and
// what is merged is a consecutive series with one shape, whose texts, one behind the other, are the merged text.

import Bytes
import Streams
import Wire

/// The rules: by path, by path with members that may differ, plain text.
let rules = [
  CoalescingRule(type: "response_chunk", field: "event", place: place("delta")),
  CoalescingRule(type: "response_chunk", field: "event", place: place("a.parts[0].text"), latest: ["n", "id"]),
  CoalescingRule(type: "response_chunk", field: "event", place: .data),
]

func place(_ path: String) -> CoalescingRule.Place {
  guard let path = JSONPath(path) else { preconditionFailure("a path of ours") }
  return .member(path)
}

func encoded(_ line: ArraySlice<UInt8>, _ number: Int) -> [UInt8] {
  let data = line.map { $0 == ASCII.tab ? ASCII.lineFeed : $0 }
  let type: [UInt8] = line.first == UInt8(ascii: "+") ? Array("response_chunk".utf8) : []
  var event: [UInt8] = []
  SSEEncoder.append(
    idPrefix: [UInt8(ascii: "r")].span, sequence: UInt64(number), type: type.span,
    data: (type.isEmpty ? data : Array(data.dropFirst())).span, to: &event)
  return event
}

func events(_ bytes: [UInt8]) -> [StreamEvent] {
  var decoder = SSEDecoder(maxEventBytes: 1 << 30)
  var (events, offset) = ([StreamEvent](), 0)
  while (try? decoder.next(in: bytes.span, at: &offset)) == true { events.append(decoder.event) }
  return events
}

/// How many events of the source an event stands for, which its id tells.
func check(_ merged: StreamEvent, _ sources: ArraySlice<StreamEvent>, isPlain: Bool) {
  guard sources.count > 1, let last = sources.last else {
    precondition(merged.data == sources.first?.data && merged.type == sources.first?.type, "one event stays as it is")
    return
  }
  precondition(sources.allSatisfy { $0.type == last.type } && merged.type == last.type, "a series has one type")
  if isPlain, !last.type.isEmpty {
    return precondition(merged.data == Array(sources.map(\.data).joined()), "plain text is joined")
  }
  // All but the text is the last one's: its longest common beginning and end leave the joined text.
  precondition(!merged.data.contains(ASCII.lineFeed), "JSON is merged in one line")
  let more = sources.dropLast().reduce(0) { $0 + $1.data.count }
  precondition(merged.data.count <= last.data.count + more, "nothing is invented")
  let begin = zip(merged.data, last.data).prefix { $0 == $1 }.count
  let end = zip(merged.data.reversed(), last.data.reversed()).prefix { $0 == $1 }.count
  precondition(begin + end >= last.data.count, "the last event stands around the text")
  // I-JSON only: what broken or repeated members mean, readers decide.
  let values = sources.compactMap { try? JSONValue(parsing: $0.data.span, maxDepth: 64) }.map(strings)
  guard values.count == sources.count, let own = values.last else { return }
  guard let all = (try? JSONValue(parsing: merged.data.span, maxDepth: 64)).map(strings) else {
    preconditionFailure("JSON stays JSON")
  }
  precondition(all.count == own.count, "no string comes or goes")
  let grown = all.indices.filter { all[$0] != own[$0] }
  precondition(grown.count <= 1, "one string grows")
  guard let index = grown.first, values.allSatisfy({ $0.count == own.count }) else { return }
  precondition(all[index] == values.flatMap { $0[index] }, "the texts are joined in their order")
}

/// Every string of a value, in order.
func strings(_ value: JSONValue) -> [[UInt8]] {
  switch value {
  case .string(let bytes): [bytes]
  case .list(let items): items.flatMap(strings)
  case .object(let object): object.members.flatMap { strings($0.value) }
  case .null, .flag, .number: []
  }
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCoalescing(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let rule = Int(first) % rules.count
  let maxBytes = first & 0x80 == 0 ? 1 << 20 : 64 + Int(first & 0x7F)
  var text: [UInt8] = []
  UTF8Repair.append(input.span.extracting(1...), to: &text)
  let lines = text.split(separator: ASCII.lineFeed, omittingEmptySubsequences: false)
  var coalescer = Coalescer(rules[rule], maxBytes: maxBytes)
  var whole: [UInt8] = []
  for (index, line) in lines.enumerated() {
    let event = encoded(line, index + 1)
    whole += event
    coalescer.append(event.span)
  }
  let (sources, merged) = (events(whole), events(coalescer.output))
  precondition(sources.count == lines.count, "every event is read again")
  precondition(merged.count + Int(coalescer.mergedEvents) == sources.count, "merged events are counted")
  var begin = 0
  for event in merged {
    guard let last = sources.indices.first(where: { $0 >= begin && sources[$0].id == event.id }) else {
      preconditionFailure("ids go up")
    }
    check(event, sources[begin...last], isPlain: rule == 2)
    begin = last + 1
  }
  precondition(begin == sources.count, "the last event is there")
  return 0
}
