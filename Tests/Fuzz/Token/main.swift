// Fuzzes what clients send as tokens, and what key files may hold. The first byte of an input says which of the readers
// gets the rest.
//
// Whatever comes in, nobody is let in whose token was not signed here, no answer depends on how often it is asked for, and
// what is let in keeps the promises of `TokenIdentity`.

import Admission
import Bytes
import COpenSSL
import Crypto
import Wire

private let secret = Array("a secret of more than 32 characters".utf8)

/// Our secret as a key, kept beside the set because the leak checker finds no reference that an enum holds.
private let ours: SharedSecret = {
  guard let key = try? SharedSecret(secret.span) else { preconditionFailure("this is a secret") }
  return key
}()

/// Our secret, and public keys with which nobody here can sign (RFC 7515 §A.3, RFC 8037 §A.2).
private let keys: KeySet = {
  let text = Array(
    """
    {"keys":[
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"}]}
    """.utf8)
  let all = SignatureAlgorithm.allCases
  guard let others = try? TokenKey.keys(text.span),
    let keys = try? KeySet(others + [TokenKey(id: nil, key: .secret(ours))], algorithms: all)
  else { preconditionFailure("these are keys") }
  return keys
}()

private let rule = TokenRule(
  issuer: nil, audience: [], leewaySeconds: 30, requiresExpiry: false, maxTokenBytes: 8 * 1024)

private func encoded(_ bytes: [UInt8]) -> [UInt8] {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  var text: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0...group.count { text.append(alphabet[bits >> (18 - 6 * place) & 63]) }
  }
  return text
}

private func signed(_ input: [UInt8]) -> [UInt8] {
  var code = [UInt8](repeating: 0, count: 32)
  precondition(
    EVP_Q_mac(nil, "HMAC", nil, "SHA256", nil, secret, secret.count, input, input.count, &code, code.count, nil) != nil)
  return input + [UInt8(ascii: ".")] + encoded(code)
}

private func judge(_ token: [UInt8]) -> TokenVerdict {
  let verdict = rule.judge(token.span, with: keys, now: 1_770_000_000)
  precondition(rule.judge(token.span, with: keys, now: 1_770_000_000) == verdict, "a verdict stands")
  if case .accepted(let identity) = verdict {
    precondition(!identity.subject.isEmpty && identity.subject.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    precondition(identity.issuer?.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ?? true)
    precondition(UTF8Repair.firstInvalid(in: identity.subject.span) == nil)
    precondition(identity.expires ?? .max > 1_770_000_000, "who is let in is not out at once")
    if let expires = identity.expires, expires < 1 << 53 {
      precondition(rule.judge(token.span, with: keys, now: expires - 1) == verdict)
      precondition(rule.judge(token.span, with: keys, now: expires) == .refused(.expired))
    }
  }
  return verdict
}

/// A token as it comes: none of these is signed by us, unless the fuzzer finds out how.
private func checkToken(_ bytes: [UInt8]) {
  if case .accepted = judge(bytes), bytes.split(separator: UInt8(ascii: ".")).count == 3 {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let input = Array(parts[0]) + [UInt8(ascii: ".")] + Array(parts[1])
    precondition(signed(input) == bytes, "whoever is let in has our signature")
  }
}

/// Header and claims, between them a NUL, properly encoded and signed.
private func checkClaims(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  let header = parts.count == 2 ? Array(parts[0]) : Array(#"{"alg":"HS256"}"#.utf8)
  let input = encoded(header) + [UInt8(ascii: ".")] + encoded(Array(parts[parts.count - 1]))
  let token = signed(input)
  let verdict = judge(token)
  guard case .accepted = verdict else { return }
  var changed = token
  changed[changed.count - 10] ^= 0x02
  precondition(judge(changed) != verdict, "a signature is looked at")
}

private func checkSources(_ bytes: [UInt8]) {
  let sources = TokenSources(header: true, cookie: "s", query: "t")
  let lines = bytes.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false).map { Array($0) }
  let query = lines[0]
  var fields = FieldSection()
  for (name, line) in zip(["Authorization", "Cookie", "Cookie"], lines.dropFirst()) {
    let name = Array(name.utf8)
    fields.append(name.span, line.span)
  }
  let rest = sources.withoutToken(query.span)
  precondition(QueryObject.value(of: "t", in: rest.span) == nil, "no token is passed on")
  precondition(sources.withoutToken(rest.span) == rest, "nothing is left to be removed")
  let found = try? sources.token(in: fields, query: query.span)
  precondition(found?.isEmpty != true, "a token has bytes")
}

private func checkJSON(_ bytes: [UInt8]) {
  guard let object = try? JSONValue(parsing: bytes.span, maxDepth: 16).object else { return }
  precondition(Set(object.members.map(\.name)).count == object.members.count, "names occur once")
  for member in object.members {
    guard let range = JSONScanner.topLevelString(member.name.span, of: bytes.span) else {
      precondition(member.value.string == nil, "two readers see the same")
      continue
    }
    var text: [UInt8] = []
    JSONScanner.append(unescaped: bytes.span.extracting(range), to: &text)
    precondition(member.value.string == text, "two readers see the same")
  }
}

/// What the fuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzToken(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  switch first {
  case UInt8(ascii: "t"): checkToken(bytes)
  case UInt8(ascii: "c"): checkClaims(bytes)
  case UInt8(ascii: "s"): checkSources(bytes)
  case UInt8(ascii: "j"): checkJSON(bytes)
  default: _ = try? KeySet(TokenKey.keys(bytes.span), algorithms: SignatureAlgorithm.allCases)
  }
  precondition(ERR_peek_error() == 0, "no error is left behind")
  return 0
}
