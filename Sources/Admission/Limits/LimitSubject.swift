/// Whom a claim is for: the values of the dimensions, as digests.
///
/// A value becomes 128 bits of a keyed hash whose key is drawn when the process starts, and the key of a limit is the
/// exclusive or of the digests it tells apart. So building keys needs no text and no allocation, nobody outside can
/// make two values collide, and by chance none will.
public struct LimitSubject: Sendable {
  private var digests = InlineArray<7, UInt128>(repeating: 0)

  /// Gathers what is known; what is `nil` counts with every other that is.
  ///
  /// - Parameters:
  ///   - domain: the host that the client came to, lower case, without port.
  ///   - client: where it came from.
  ///   - origin: the `Origin` field as it came.
  ///   - principal: who it is to the gateway; opaque bytes.
  ///   - route: what tells the route from all others.
  ///   - upstream: the name of the pool that is asked.
  ///   - endpoint: what tells the endpoint from all others.
  public init(
    domain: String? = nil, client: ClientKey? = nil, origin: String? = nil, principal: [UInt8]? = nil,
    route: String? = nil, upstream: String? = nil, endpoint: String? = nil
  ) {
    set(.domain, domain)
    set(.client, client)
    set(.origin, origin)
    set(.principal, principal)
    set(.route, route)
    set(.upstream, upstream)
    set(.endpoint, endpoint)
  }

  /// The same claimant, asking an upstream.
  public func asking(upstream: String) -> LimitSubject {
    var subject = self
    subject.set(.upstream, upstream)
    return subject
  }

  /// The same claimant, asking one endpoint of the upstream.
  public func asking(endpoint: String) -> LimitSubject {
    var subject = self
    subject.set(.endpoint, endpoint)
    return subject
  }

  /// The key of some dimensions.
  ///
  /// - Parameter dimensions: a bit for each, the one with index 0 lowest.
  /// - Returns: the same for equal values and no others; 0 for no dimension.
  func key(of dimensions: UInt8) -> UInt128 {
    var key: UInt128 = 0
    var rest = dimensions
    while rest != 0 {
      key ^= digests[rest.trailingZeroBitCount]
      rest &= rest &- 1
    }
    return key
  }

  private mutating func set(_ dimension: Dimension, _ value: (some Hashable)?) {
    guard let value else { return }
    // The dimension is part of what is hashed, or equal texts of two dimensions would cancel each other out.
    let low = LimitSubject.hash(value, tag: dimension.index)
    let high = LimitSubject.hash(value, tag: Dimension.count + dimension.index)
    digests[dimension.index] = UInt128(high) << 64 | UInt128(low)
  }

  private static func hash(_ value: some Hashable, tag: Int) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(tag)
    hasher.combine(value)
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }
}
