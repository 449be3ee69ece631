import COpenSSL
import Glibc
import Testing

@testable import Crypto

@Suite struct VerificationKeyTests {
  @Test func `the standards' signatures verify, each with the algorithm of its key`() throws {
    let vectors = try Vector.all()
    #expect(vectors.map(\.key.algorithm) == [.hs256, .rs256, .es256, .edDSA])
    for vector in vectors {
      #expect(vector.verifies())
      #expect(vector.verifies(), "a key verifies more than once")
    }
  }

  @Test func `no bit of a signature may differ`() throws {
    for vector in try Vector.all() {
      for bit in stride(from: 0, to: vector.signature.count * 8, by: 5) {
        var signature = vector.signature
        signature[bit / 8] ^= 1 << (bit % 8)
        #expect(!vector.verifies(signature: signature), "\(vector.key.algorithm) bit \(bit)")
      }
    }
  }

  @Test func `no byte of a message may differ, be missing or be added`() throws {
    for vector in try Vector.all() {
      for index in vector.message.indices {
        var message = vector.message
        message[index] ^= 0x20
        #expect(!vector.verifies(message: message))
      }
      #expect(!vector.verifies(message: Array(vector.message.dropLast())))
      #expect(!vector.verifies(message: vector.message + [0]))
      #expect(!vector.verifies(message: []))
    }
  }

  @Test func `a signature has one length`() throws {
    for vector in try Vector.all() {
      for count in 0..<vector.signature.count {
        #expect(!vector.verifies(signature: Array(vector.signature.prefix(count))))
      }
      for padding in [1, 2, 64, 1000] {
        let zeros = [UInt8](repeating: 0, count: padding)
        #expect(!vector.verifies(signature: vector.signature + zeros))
        #expect(!vector.verifies(signature: zeros + vector.signature))
      }
    }
  }

  @Test func `no key verifies a signature of another kind`() throws {
    let vectors = try Vector.all()
    for (index, vector) in vectors.enumerated() {
      for (other, stranger) in vectors.enumerated() where other != index {
        #expect(!vector.verifies(signature: stranger.signature, message: stranger.message))
      }
    }
  }

  @Test func `a refused signature leaves no error behind for the next caller`() throws {
    for vector in try Vector.all() {
      #expect(!vector.verifies(signature: Array(repeating: 0xFF, count: vector.signature.count)))
      #expect(ERR_peek_error() == 0)
    }
  }
}

@Suite struct ECDSASignatureTests {
  /// The order of the curve (SEC 2 §2.4.2).
  private let order: [UInt8] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
  ]

  @Test func `r and s are from 1 to the order less one`() throws {
    let vector = try Vector.es256()
    let zero = [UInt8](repeating: 0, count: 32)
    let highest = [UInt8](repeating: 0xFF, count: 32)
    let (r, s) = (Array(vector.signature.prefix(32)), Array(vector.signature.suffix(32)))
    for bad in [zero, order, highest] {
      #expect(!vector.verifies(signature: bad + s))
      #expect(!vector.verifies(signature: r + bad))
      #expect(!vector.verifies(signature: bad + bad))
    }
  }

  @Test func `the DER form of a good signature is none`() throws {
    let vector = try Vector.es256()
    let der = ECDSASignature.der(ofRaw: vector.signature.span) ?? []
    #expect(der.count > 64)
    #expect(!vector.verifies(signature: der))
  }

  @Test func `integers are as short as can be and never negative`() {
    func der(_ r: [UInt8], _ s: [UInt8]) -> [UInt8]? {
      let raw = [UInt8](repeating: 0, count: 32 - r.count) + r + [UInt8](repeating: 0, count: 32 - s.count) + s
      return ECDSASignature.der(ofRaw: raw.span)
    }
    #expect(der([1], [0x7F]) == [0x30, 6, 2, 1, 1, 2, 1, 0x7F])
    #expect(der([0x80], [1, 0]) == [0x30, 8, 2, 2, 0, 0x80, 2, 2, 1, 0])
    #expect(der([], []) == [0x30, 6, 2, 1, 0, 2, 1, 0])
    let long = [UInt8](repeating: 0xFF, count: 32)
    #expect(der(long, long) == [0x30, 70, 2, 33, 0] + long + [2, 33, 0] + long)
    for count in [0, 63, 65, 128] {
      let raw = [UInt8](repeating: 1, count: count)
      let none = ECDSASignature.der(ofRaw: raw.span)
      #expect(none == nil)
    }
  }
}

@Suite struct EdDSASignatureTests {
  /// The order of the group, least significant byte first (RFC 8032 §5.1).
  private let order: [UInt8] =
    [
      0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    ] + [UInt8](repeating: 0, count: 15) + [0x10]

  @Test func `adding the order to s makes no second signature of one`() throws {
    let vector = try Vector.edDSA()
    var signature = vector.signature
    var carry = 0
    for index in 0..<32 {
      let sum = Int(signature[32 + index]) + Int(order[index]) + carry
      signature[32 + index] = UInt8(sum & 0xFF)
      carry = sum >> 8
    }
    #expect(carry == 0)
    #expect(!vector.verifies(signature: signature))
  }

  @Test func `a point written with more than its bits is no signature`() throws {
    let vector = try Vector.edDSA()
    // p + 1, which is 1 once more: the first byte of the identity, not reduced.
    let identity: [UInt8] = [0xEE] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
    #expect(!vector.verifies(signature: identity + vector.signature.suffix(32)))
    #expect(!vector.verifies(signature: identity + [UInt8](repeating: 0, count: 32)))
  }
}

@Suite struct SharedKeyTests {
  /// What one thread does and found out.
  private final class Work {
    let vectors: [Vector]
    var wrong = 0

    init(_ vectors: [Vector]) { self.vectors = vectors }

    func run() {
      for round in 0..<100 {
        for vector in vectors {
          var signature = vector.signature
          if round % 2 == 1 { signature[round % signature.count] ^= 1 }
          if vector.verifies(signature: signature) != (round % 2 == 0) { wrong += 1 }
        }
      }
    }
  }

  @Test func `threads may share a key`() throws {
    let vectors = try Vector.all()
    let works = (0..<4).map { _ in Work(vectors) }
    var threads: [pthread_t] = []
    for work in works {
      var thread = pthread_t()
      let started = pthread_create(
        &thread, nil,
        { work in
          if let work { Unmanaged<Work>.fromOpaque(work).takeUnretainedValue().run() }
          return nil
        }, Unmanaged.passUnretained(work).toOpaque())
      #expect(started == 0)
      if started == 0 { threads.append(thread) }
    }
    for thread in threads { pthread_join(thread, nil) }
    #expect(works.map(\.wrong) == [0, 0, 0, 0])
  }
}
