/// What can stand in a chain.
protocol Linked: Sendable {
  var previous: Place { get set }
  var next: Place { get set }
}

/// Elements of a slab in an order, each knowing its neighbours, so that any can leave at a constant cost.
struct Chain: Sendable {
  private(set) var first = Place.nowhere
  private(set) var last = Place.nowhere
  private(set) var count = 0

  mutating func append<Element: Linked>(_ place: Place, in slab: inout Slab<Element>) {
    slab[place].previous = last
    slab[place].next = .nowhere
    if last == .nowhere { first = place } else { slab[last].next = place }
    last = place
    count += 1
  }

  mutating func remove<Element: Linked>(_ place: Place, in slab: inout Slab<Element>) {
    let (previous, next) = (slab[place].previous, slab[place].next)
    if previous == .nowhere { first = next } else { slab[previous].next = next }
    if next == .nowhere { last = previous } else { slab[next].previous = previous }
    count -= 1
  }

  /// The places from the first to the last.
  func places<Element: Linked>(in slab: Slab<Element>) -> [Place] {
    var places: [Place] = []
    var place = first
    while place != .nowhere {
      places.append(place)
      place = slab[place].next
    }
    return places
  }
}
