internal import Bytes
internal import Wire

/// Where an encoded event has its text, and what else may differ from one chunk to the next.
struct Chunk: Equatable {
  /// What may differ, in order, the text among it.
  private var places: [Range<Int>]
  private let textIndex: Int
  /// Where what has to be the same ends; the id follows.
  private var end: Int
  /// Whether the text is the content of a JSON string.
  private let isJSON: Bool

  init(text: Range<Int>, in parts: EncodedEvent) {
    places = [text]
    textIndex = 0
    end = parts.data.upperBound
    isJSON = false
  }

  init?(_ match: JSONPattern.Match, in parts: EncodedEvent) {
    guard let text = match.text else { return nil }
    places = match.places.map { ($0.lowerBound + parts.data.lowerBound)..<($0.upperBound + parts.data.lowerBound) }
    textIndex = text
    end = parts.data.upperBound
    isJSON = true
  }

  /// The text, as it is encoded.
  var text: Range<Int> { places[textIndex] }

  /// Whether something before the text may differ.
  var hasVaryingPrefix: Bool { textIndex > 0 }

  /// Whether another chunk continues this one: all is the same in both but what may differ.
  func isContinued(in own: Span<UInt8>, by other: Chunk, in bytes: Span<UInt8>) -> Bool {
    guard places.count == other.places.count, textIndex == other.textIndex, isJSON == other.isJSON else { return false }
    var (start, otherStart) = (0, 0)
    for (place, otherPlace) in zip(places, other.places) {
      let piece = own.extracting(start..<place.lowerBound)
      guard piece.equals(bytes.extracting(otherStart..<otherPlace.lowerBound)) else { return false }
      (start, otherStart) = (place.upperBound, otherPlace.upperBound)
    }
    guard own.extracting(start..<end).equals(bytes.extracting(otherStart..<other.end)) else { return false }
    return !isJSON || JSONScanner.joins(own.extracting(text), bytes.extracting(other.text))
  }

  /// The chunk whose text has so many more bytes in front.
  func lengthened(by count: Int) -> Chunk {
    var chunk = self
    chunk.places[textIndex] = text.lowerBound..<(text.upperBound + count)
    for index in (textIndex + 1)..<max(textIndex + 1, places.count) {
      chunk.places[index] = (places[index].lowerBound + count)..<(places[index].upperBound + count)
    }
    chunk.end += count
    return chunk
  }
}
