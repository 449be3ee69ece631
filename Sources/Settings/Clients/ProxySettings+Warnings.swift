import Admission

extension ProxySettings {
  /// What is allowed, but makes clients whoever they say they are.
  func warnings() -> [SettingsWarning] {
    trusted.addresses.ranges.filter(\.isEverything).map { range in
      SettingsWarning(
        key: "trusted_proxies",
        text: "\(range) is everybody, so each client is whoever it says it is, and limits per client hold nobody back; "
          + "list the addresses of the proxies")
    }
  }
}
