/// What the proxies on the way say of a request, the nearest one first.
///
/// Give it the same fields every time.
public struct ForwardedHops {
  private var elements: ElementsFromLast
  private let isStandard: Bool

  /// Begins with what the nearest proxy wrote.
  ///
  /// - Parameters:
  ///   - name: `forwarded` (RFC 7239) or `xForwardedFor`.
  ///   - fields: the fields of the request; several of the name are one list, in their order.
  public init(_ name: FieldName, in fields: FieldSection) {
    precondition(name == .forwarded || name == .xForwardedFor, "hops are in one of two fields")
    isStandard = name == .forwarded
    elements = ElementsFromLast(name, in: fields, isQuotable: isStandard)
  }

  /// Finds out what the next proxy says.
  ///
  /// - Parameter fields: those of the beginning.
  /// - Returns: an element that says nothing where it is empty or malformed; `nil` where no more proxies wrote one.
  public mutating func next(in fields: FieldSection) -> ForwardedElement? {
    guard let range = elements.next(in: fields) else { return nil }
    let element = fields.bytes.span.extracting(range)
    guard isStandard else { return ForwardedElement(node: ForwardedNode(listed: element)) }
    return ForwardedElement(element) ?? ForwardedElement(node: nil)
  }
}
