import Crypto

/// A message with its signature and key, as the standards print them.
struct Vector {
  let key: VerificationKey
  let message: [UInt8]
  let signature: [UInt8]

  func verifies(signature: [UInt8]? = nil, message: [UInt8]? = nil) -> Bool {
    let signature = signature ?? self.signature
    let message = message ?? self.message
    return key.verifies(signature.span, of: message.span)
  }

  /// Bytes in base64url, as the standards print them.
  static func bytes(_ text: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var (bits, count, bytes) = (0, 0, [UInt8]())
    for character in text {
      bits = bits << 6 | (alphabet.firstIndex(of: character) ?? 0)
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> count))
    }
    return bytes
  }

  private static let claims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

  /// RFC 7515 §A.1.
  static func hs256() throws -> Vector {
    let secret = bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    return Vector(
      key: .secret(try SharedSecret(secret.span)),
      message: Array("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(claims)".utf8),
      signature: bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
  }

  /// RFC 7515 §A.2.
  static let modulus = bytes(
    """
    ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
    S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
    R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
    TW9gb54h4FRWyuXpoQ
    """)

  /// RFC 7515 §A.2.
  static func rs256() throws -> Vector {
    let exponent = bytes("AQAB")
    return Vector(
      key: .publicKey(try PublicKey(rsaModulus: modulus.span, exponent: exponent.span)),
      message: Array("eyJhbGciOiJSUzI1NiJ9.\(claims)".utf8),
      signature: bytes(
        """
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU\
        Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d\
        O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig\
        cN_IoypGlUPQGe77Rw
        """))
  }

  /// RFC 7515 §A.3.
  static let x = bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
  /// RFC 7515 §A.3.
  static let y = bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")

  /// RFC 7515 §A.3.
  static func es256() throws -> Vector {
    Vector(
      key: .publicKey(try PublicKey(p256X: x.span, y: y.span)),
      message: Array("eyJhbGciOiJFUzI1NiJ9.\(claims)".utf8),
      signature: bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"))
  }

  /// RFC 8037 §A.4.
  static func edDSA() throws -> Vector {
    let x = bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    return Vector(
      key: .publicKey(try PublicKey(ed25519: x.span)),
      message: Array("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8),
      signature: bytes("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"))
  }

  /// One of each kind.
  static func all() throws -> [Vector] { [try hs256(), try rs256(), try es256(), try edDSA()] }
}
