/// A text that cannot be a value, with what could have been.
struct Mismatch: Error {
  let allowed: String
  /// What to show instead of the text where it may hold a secret.
  let given: String?

  init(_ allowed: String, given: String? = nil) {
    self.allowed = allowed
    self.given = given
  }
}
