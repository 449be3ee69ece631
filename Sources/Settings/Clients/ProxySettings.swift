public import Admission

/// Who may say for whom it asks, and in which field.
public struct ProxySettings: Sendable, Equatable {
  /// The proxies that are believed, at most 256 entries.
  public var trusted: TrustedProxies
  /// The field in which they tell.
  public var clientAddressFrom: ClientAddressSource

  /// Puts proxy settings together; the values are taken as they are.
  ///
  /// - Parameters:
  ///   - trusted: the proxies that are believed.
  ///   - clientAddressFrom: the field in which they tell.
  public init(trusted: TrustedProxies, clientAddressFrom: ClientAddressSource) {
    self.trusted = trusted
    self.clientAddressFrom = clientAddressFrom
  }

  /// What holds where the file says nothing.
  public static let `default` = ProxySettings(trusted: .none, clientAddressFrom: .xForwardedFor)
}

extension ProxySettings {
  private static let entry = "an address, a range such as 10.0.0.0/8, or unix for the gateway's Unix sockets"

  /// Reads the keys `trusted_proxies` and `client_address_from`.
  init(_ reader: SettingsReader) {
    let proxies = reader.values(
      "trusted_proxies", default: [], count: 0...256, allowed: ProxySettings.entry,
      "Who is believed about its client's address: addresses, ranges, or unix for Unix sockets."
    ) { (text: String) throws(Mismatch) -> TrustedProxy in
      do throws(AddressRangeError) { return try TrustedProxy(text) } catch { throw ProxySettings.mismatch(error) }
    }
    self.init(
      trusted: TrustedProxies(proxies),
      clientAddressFrom: reader.choice(
        "client_address_from", default: ProxySettings.default.clientAddressFrom,
        "The field in which they tell it; the other one is ignored."))
  }

  private static func mismatch(_ error: AddressRangeError) -> Mismatch {
    // What is no address at all may have been meant as any kind of entry.
    if case .address = error { Mismatch(entry) } else { Mismatch(error.allowed) }
  }

  /// Notes a listener that could not accept anybody, because it expects a header that nobody may send.
  ///
  /// - Parameters:
  ///   - listeners: where clients come in, in the order of the file.
  ///   - reader: the one that read `trusted_proxies`.
  func check(_ listeners: [ListenerSettings], _ reader: SettingsReader) {
    for (index, listener) in listeners.enumerated() where listener.proxyProtocol {
      let isUnix = if case .unix = listener.address { true } else { false }
      let mayAnybody = isUnix ? trusted.includesUnixSockets : !trusted.addresses.ranges.isEmpty
      guard !mayAnybody else { continue }
      reader.refuse(
        "trusted_proxies", or: "listen", given: "\(isUnix ? "no unix" : "no address")",
        allowed: "at least \(isUnix ? "unix" : "one"), because listen[\(index)] has proxy_protocol")
    }
  }
}
