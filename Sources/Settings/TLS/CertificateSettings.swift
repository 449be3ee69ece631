internal import Admission
public import Crypto

/// A certificate and its private key, as files and as what they held when the settings were read.
public struct CertificateSettings: Sendable, Equatable {
  /// The path of the certificate's file.
  public let certificateFile: String
  /// The path of the key's file, which may be the same.
  public let keyFile: String
  /// What they held.
  public let certificate: TLSCertificate

  /// Puts a certificate's settings together.
  ///
  /// - Parameters:
  ///   - certificateFile: the path of the certificate's file.
  ///   - keyFile: the path of the key's file.
  ///   - certificate: what they held.
  public init(certificateFile: String, keyFile: String, certificate: TLSCertificate) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.certificate = certificate
  }
}

extension CertificateSettings {
  /// Reads the keys `certificate` and `key`, and the files they name; `nil` where there is no usable certificate, which
  /// the reader has noted.
  ///
  /// - Parameters:
  ///   - reader: the mapping.
  ///   - isRequired: whether there must be one.
  ///   - purpose: who shows it, and to whom.
  init?(_ reader: SettingsReader, isRequired: Bool, _ purpose: String) {
    let certificateFile = reader.file(
      "certificate", "A PEM file with the certificate, and its chain behind it\(purpose).")
    let keyFile = reader.file("key", "A PEM file with its private key; without it, the certificate's own file.")
    guard let certificateFile else {
      let isDue = isRequired || reader.has("key")
      if isDue, !reader.has("certificate") {
        reader.refuse("certificate", given: "nothing", allowed: "the path of a file")
      }
      return nil
    }
    guard keyFile != nil || !reader.has("key") else { return nil }
    guard let text = reader.contents(of: certificateFile, for: "certificate"),
      let key = reader.contents(of: keyFile ?? certificateFile, for: keyFile == nil ? "certificate" : "key")
    else { return nil }
    do throws(TLSError) {
      let certificate = try TLSCertificate(certificate: text.span, key: key.span)
      self.init(certificateFile: certificateFile, keyFile: keyFile ?? certificateFile, certificate: certificate)
    } catch {
      let isKey = error.isAboutKey
      reader.refuse(
        isKey && keyFile != nil ? "key" : "certificate",
        given: "\(SettingsProblem.quoted(isKey ? keyFile ?? certificateFile : certificateFile)), \(error.given)",
        allowed: error.allowed)
      return nil
    }
  }
}

extension TLSError {
  fileprivate var isAboutKey: Bool {
    switch self {
    case .encryptedKey, .keyMismatch, .noBlock(.key), .malformed(.key, _): true
    case .noBlock, .malformed, .tooMany, .refused: false
    }
  }
}

extension SettingsReader {
  /// The path of a file, seen from the folder of the settings file; `nil` also if it is none.
  func file(_ key: String, _ summary: String) -> String? {
    optional(key, allowed: "the path of a file, absolute or relative to the settings file", summary) { text in
      text.isEmpty || text.utf8.contains(0) ? nil : report.path(text)
    }
  }

  /// What a file holds; `nil` if it can't be read, which is noted.
  func contents(of path: String, for key: String) -> [UInt8]? {
    do throws(KeyFileError) {
      return try RegularFile.contents(of: path)
    } catch {
      refuse(key, given: "\(SettingsProblem.quoted(path)), \(error.given)", allowed: error.allowed)
      return nil
    }
  }

  /// The authorities in a file; `nil` without one, or if there are none in it, which is noted.
  func authorities(_ key: String, _ summary: String) -> (path: String, authorities: TLSAuthorities)? {
    guard let path = file(key, summary), let text = contents(of: path, for: key) else { return nil }
    do throws(TLSError) {
      return (path, try TLSAuthorities(text.span))
    } catch {
      refuse(key, given: "\(SettingsProblem.quoted(path)), \(error.given)", allowed: error.allowed)
      return nil
    }
  }
}
