import Admission

extension CredentialForwarding {
  /// Reads the key `forward_credentials` of a route: a mapping, or one flag for all of them.
  static func read(_ reader: SettingsReader) -> CredentialForwarding {
    reader.section(
      "forward_credentials", orText: "true or false",
      "Which credentials reach the upstream; true alone is all of them, false none."
    ) { text in
      Bool(text).map { $0 ? .all : .none }
    } _: {
      CredentialForwarding($0)
    }
  }

  private init(_ reader: SettingsReader) {
    self.init(
      authorization: reader.flag("authorization", default: false, "Whether Authorization does."),
      cookies: reader.cookies("cookies", "Which cookies do: none, pass for all, or a list of names."))
  }
}
