/// Keys and signatures that others have published, and keys that no token may be signed with.
enum KnownKeys {
  /// The key of RFC 7515 §A.2.
  static let rsa = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
    NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
    P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
    9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
    EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
    FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
    oQIDAQAB
    -----END PUBLIC KEY-----
    """

  /// The same key in its older form.
  static let rsaOlder = """
    -----BEGIN RSA PUBLIC KEY-----
    MIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0l8W2
    6mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMs
    D1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5
    z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv
    b3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8q2et
    hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQAB
    -----END RSA PUBLIC KEY-----
    """

  /// A certificate, valid for one day, of the key of RFC 7515 §A.3.
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBiDCCAS2gAwIBAgIUPu682uV6FkRJyt+IeT0Q9rLc0uAwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwOc2lnbmVyLmV4YW1wbGUwHhcNMjYxMTIyMTg1ODI3WhcNMjYx
    MTIzMTg1ODI3WjAZMRcwFQYDVQQDDA5zaWduZXIuZXhhbXBsZTBZMBMGByqGSM49
    AgEGCCqGSM49AwEHA0IABH/Nzidw9sRdQYPL7m/bS3tYBzM1e+nvE7rPbjx70VRF
    x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a2jUzBRMB0GA1UdDgQWBBTO
    jRaxyTOOt/45eZmuRb7uP7WGhjAfBgNVHSMEGDAWgBTOjRaxyTOOt/45eZmuRb7u
    P7WGhjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCGXa3EOB4W
    u8jksJkXnrri1w1AMKkc4Oig2df+d7npPgIhAPsbxE9R7WTvOYCan094Q+CMrFOK
    TYoKICUBQmYGJSda
    -----END CERTIFICATE-----
    """

  /// The key of RFC 8037 §A.2.
  static let ed25519 = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    -----END PUBLIC KEY-----
    """

  /// A key on another curve than P-256.
  static let p384 = """
    -----BEGIN PUBLIC KEY-----
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE6XzGqfhuTi26mOAfQMYJa1etAoQ8uXm3
    ggzxKFHpifZMySA5s+F1uUcoS/px/sysPKEbFODDl7sqXZDsXjRlAu7+n38kJ3VS
    34TXS2QKk4Btlcj04J6btCdc0lPM0AGw
    -----END PUBLIC KEY-----
    """

  /// A key on P-256 that spells the curve out instead of naming it, which RFC 5480 §2.1.1 forbids.
  static let explicit = """
    -----BEGIN PUBLIC KEY-----
    MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
    AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
    ///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
    NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
    RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
    //////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABNEXq//Fa4BueCrn2jRypwk7
    2O8f9NYLbls0q7TN3s7h+NCK6nZc4vwgYMQhmm70+IKKkh8HAyKqrFvjCiejHj8=
    -----END PUBLIC KEY-----
    """

  /// A key that cannot sign.
  static let x25519 = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VuAyEA5Lsdkh4sv3anKYl+alYHpcdWjJQLI0/ul6GN0yGfGlk=
    -----END PUBLIC KEY-----
    """

  /// An RSA key for another padding.
  static let pss = """
    -----BEGIN PUBLIC KEY-----
    MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAOPqMZmX+K29I087rutnzksH
    Ye9uI+hRu7XWRb8+/JeNsYWJcgOC7ymmJEL1Ct9OBTg5WJ9AEy/NQLL0U/B51uGw
    kG5n8aZfkn0jB5VU80gX6H0rBA5CHwnC66rfYZGbNQtvFvSbDiJOfC3W7WYY5X/s
    qhuepc3QuwY80kQuRyAdW97K283VLnxdxGnyFCGlmBXPD2jKDbrd92fAWZYtyHxi
    Udlhs2T5IZ0HedEEa8npM10SA0u6qwRQwKHjzmTQNEq3oLAKdft3fKlFslWT0Wq9
    PrwQ1+9WGOrYxZfWHfPUtIyYr+gOUYzpVdwYJ8EQAYySQNKd15iabNqO1ZWsrj8C
    AwEAAQ==
    -----END PUBLIC KEY-----
    """

  /// An RSA key of 1024 bits.
  static let weak = """
    -----BEGIN PUBLIC KEY-----
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDGMZ6KKtVs8UZRMRecyIRil5r2
    7jwe9icZ1fhN7BlRix+goNYKnxFog0U6QLjZAnYosRj1fe3yiC+/0YJYkJ+g0Rm/
    W/2tfa9Cz7aAgqc4Bv3F60Z24ldg9qh7l+GC8a+7JENJGU51NnKdwpKZwByA/Mbe
    wMB2BR0h9jnNYBbYWQIDAQAB
    -----END PUBLIC KEY-----
    """

  /// No key but a request for a certificate.
  static let request = """
    -----BEGIN CERTIFICATE REQUEST-----
    MIHFMG4CAQAwDDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
    BH/Nzidw9sRdQYPL7m/bS3tYBzM1e+nvE7rPbjx70VRFx/FEzRu9m36HLN/tue65
    9LNpXW6pCyStikYjKIWI5a2gADAKBggqhkjOPQQDAgNHADBEAiBmTWdN3LUYayBk
    Yp51K1CNLvHpEU9QT/ZIFHmNnuxklQIgebFNJbBPLd2RYMv/kirInIv6npDM/b+9
    ajMIn6lq3Dc=
    -----END CERTIFICATE REQUEST-----
    """
}
