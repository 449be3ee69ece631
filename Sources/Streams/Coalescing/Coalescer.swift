internal import Bytes

/// Writes events one behind the other, and makes one of those that are consecutive chunks of a text.
///
/// A merged event is its last one with the texts of all: it carries the last one's id, so that a reader that comes back
/// with it goes on exactly behind.
///
/// - Bound: a merged event has at most `maxBytes`; a single one is never cut.
public struct Coalescer {
  private let rule: CoalescingRule?
  private let maxBytes: Int
  /// The events so far, encoded.
  public private(set) var output: [UInt8] = []
  /// How many events went into others.
  public private(set) var mergedEvents: UInt64 = 0
  /// Where the newest event begins, where it is a chunk.
  private var start = 0
  private var last: Chunk?

  /// A coalescer that has written nothing.
  ///
  /// - Parameters:
  ///   - rule: which events are chunks; `nil` for none.
  ///   - maxBytes: how large a merged event may become.
  public init(_ rule: CoalescingRule?, maxBytes: Int) {
    self.rule = rule
    self.maxBytes = maxBytes
  }

  /// Takes the next event.
  ///
  /// - Parameter event: as it is encoded.
  public mutating func append(_ event: Span<UInt8>) {
    guard let next = rule?.chunk(event) else {
      output.append(event)
      last = nil
      return
    }
    if let last, continues(last, next, event) { return merge(last, next, event) }
    start = output.count
    output.append(event)
    last = next
  }

  private func continues(_ last: Chunk, _ next: Chunk, _ event: Span<UInt8>) -> Bool {
    guard last.text.count + event.count <= maxBytes else { return false }
    return last.isContinued(in: output.span.extracting(start...), by: next, in: event)
  }

  private mutating func merge(_ last: Chunk, _ next: Chunk, _ event: Span<UInt8>) {
    output.removeSubrange((start + last.text.upperBound)...)
    if last.hasVaryingPrefix {
      let prefix = [UInt8](event.extracting(..<next.text.lowerBound))
      output.replaceSubrange(start..<(start + last.text.lowerBound), with: prefix)
    }
    output.append(event.extracting(next.text.lowerBound...))
    self.last = next.lengthened(by: last.text.count)
    mergedEvents += 1
  }
}
