internal import COpenSSL

/// One block of a PEM text (RFC 7468): what stands between BEGIN and END, decoded.
public struct PEMBlock: Sendable, Equatable {
  /// What BEGIN names, such as `PUBLIC KEY`.
  public let label: String
  /// The bytes, DER as a rule.
  public let bytes: [UInt8]

  /// The blocks of a text in their order; what stands between them is not looked at.
  ///
  /// PEM_read_bio(3).
  ///
  /// - Parameters:
  ///   - text: the text, at most 2 GiB.
  ///   - maximum: how many blocks are read; a text with more gives one more than that.
  /// - Returns: the blocks, none where there are none.
  /// - Throws: `CryptoError.pem` at the first that is broken.
  public static func blocks(in text: Span<UInt8>, atMost maximum: Int) throws(CryptoError) -> [PEMBlock] {
    guard !text.isEmpty, text.count <= Int(Int32.max) else { return [] }
    let result = unsafe text.withUnsafeBytes { bytes -> Result<[PEMBlock], CryptoError> in
      guard let reader = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
        return .failure(.pem(reason: ErrorQueue.takeReason()))
      }
      defer { unsafe BIO_free(reader) }
      var blocks: [PEMBlock] = []
      while blocks.count <= maximum {
        switch unsafe next(reader) {
        case .success(nil): return .success(blocks)
        case .success(let block?): blocks.append(block)
        case .failure(let error): return .failure(error)
        }
      }
      return .success(blocks)
    }
    return try result.get()
  }

  private static func next(_ reader: OpaquePointer) -> Result<PEMBlock?, CryptoError> {
    var name: UnsafeMutablePointer<CChar>?
    var header: UnsafeMutablePointer<CChar>?
    var content: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard unsafe PEM_read_bio(reader, &name, &header, &content, &count) == 1 else {
      let isEnd = sluice_is_end_of_pem(ERR_peek_last_error()) == 1
      let reason = ErrorQueue.takeReason()
      return isEnd ? .success(nil) : .failure(.pem(reason: reason))
    }
    defer {
      unsafe sluice_openssl_free(name)
      unsafe sluice_openssl_free(header)
      unsafe sluice_openssl_free(content)
    }
    guard let name = unsafe name else { return .failure(.pem(reason: "no label")) }
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: content, count: count))
    return .success(PEMBlock(label: unsafe String(cString: name), bytes: bytes))
  }
}

extension PublicKey {
  /// A key from a PEM block: a public key, or a certificate's.
  ///
  /// A certificate only carries its key here: neither its signature nor its dates are looked at.
  ///
  /// - Parameter block: the block, labelled `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`.
  /// - Throws: `CryptoError`; a private key is refused as one.
  public convenience init(_ block: PEMBlock) throws(CryptoError) {
    switch block.label {
    case "PUBLIC KEY": try self.init(info: block.bytes)
    case "CERTIFICATE": try self.init(certificate: block.bytes)
    case "RSA PUBLIC KEY": try self.init(pkcs1: block.bytes)
    case let label where label.hasSuffix("PRIVATE KEY"): throw .privateKey
    case let label: throw .block(label: label)
    }
  }

  /// X509_get_pubkey(3).
  private convenience init(certificate: [UInt8]) throws(CryptoError) {
    let key = unsafe certificate.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var position = bytes.baseAddress
      guard let certificate = unsafe d2i_X509(nil, &position, bytes.count) else { return nil }
      defer { unsafe X509_free(certificate) }
      return unsafe X509_get_pubkey(certificate)
    }
    guard let key = unsafe key else { throw .malformed(reason: ErrorQueue.takeReason()) }
    try unsafe self.init(adopting: key)
  }

  /// The older form of RSA keys alone (RFC 8017 §A.1.1).
  ///
  /// d2i_PublicKey(3).
  private convenience init(pkcs1: [UInt8]) throws(CryptoError) {
    let key = unsafe pkcs1.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var position = bytes.baseAddress
      return unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &position, bytes.count)
    }
    guard let key = unsafe key else { throw .malformed(reason: ErrorQueue.takeReason()) }
    try unsafe self.init(adopting: key)
  }
}
