/// Where something is kept in a slab.
struct Place: Hashable, Sendable {
  let index: Int32

  static let nowhere = Place(index: -1)
}

/// Values that keep their place in one array while others come and go; freed places are used again.
///
/// A place has a generation, which each removal changes, so that an old reference to it is known as such.
/// - Bound: as large as the most that were kept at a time.
struct Slab<Element: Sendable>: Sendable {
  private struct Entry {
    var element: Element
    /// Odd while the place is taken.
    var generation: UInt32
    var nextFree: Place
  }

  private var entries: [Entry] = []
  private var firstFree = Place.nowhere
  private(set) var count = 0

  /// How many places there are, taken and free.
  var placeCount: Int { entries.count }

  /// The value at a place that is taken.
  subscript(place: Place) -> Element {
    get { entries[Int(place.index)].element }
    set { entries[Int(place.index)].element = newValue }
  }

  func generation(at place: Place) -> UInt32 {
    entries[Int(place.index)].generation
  }

  func isTaken(_ place: Place) -> Bool {
    !generation(at: place).isMultiple(of: 2)
  }

  /// Whether a place is still taken by what it was given to.
  func contains(_ place: Place, generation: UInt32) -> Bool {
    entries.indices.contains(Int(place.index)) && self.generation(at: place) == generation
  }

  /// The places that are taken.
  var places: [Place] {
    entries.indices.map { Place(index: Int32($0)) }.filter(isTaken)
  }

  mutating func insert(_ element: Element) -> Place {
    count += 1
    guard firstFree != .nowhere else {
      entries.append(Entry(element: element, generation: 1, nextFree: .nowhere))
      return Place(index: Int32(entries.count - 1))
    }
    let place = firstFree
    firstFree = entries[Int(place.index)].nextFree
    entries[Int(place.index)].element = element
    entries[Int(place.index)].generation &+= 1
    return place
  }

  mutating func remove(_ place: Place) {
    precondition(isTaken(place), "only what is kept can be removed")
    entries[Int(place.index)].generation &+= 1
    entries[Int(place.index)].nextFree = firstFree
    firstFree = place
    count -= 1
  }
}
