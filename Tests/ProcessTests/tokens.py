"""Keys and tokens as identity providers make them, and as those make them who have no key."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"]


@dataclass(frozen=True)
class Key:
    """What an issuer signs with, and what it gives to those who check its signatures."""

    algorithm: str
    private: Any = field(repr=False)
    name: str | None = None

    @property
    def pem(self) -> bytes:
        """The public key."""
        public: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return public

    @property
    def certificate(self) -> bytes:
        """The public key in a certificate of its own."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "id.example")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.private, None if self.algorithm == "EdDSA" else hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM)

    @property
    def jwk(self) -> dict[str, Any]:
        """The key as one of a JWK Set: public, but for a secret."""
        public = self.private if self.algorithm == "HS256" else self.private.public_key()
        members: dict[str, Any] = get_default_algorithms()[self.algorithm].to_jwk(public, as_dict=True)
        named = {"kid": self.name} if self.name else {}
        members = {name: value for name, value in members.items() if name not in ("key_ops", "alg")}
        return {**members, **named, "use": "sig", "alg": self.algorithm}

    def sign(self, data: bytes) -> bytes:
        """The signature of `data` as tokens carry it."""
        return get_default_algorithms()[self.algorithm].sign(data, self.private)


def new_key(algorithm: str = "ES256", name: str | None = None) -> Key:
    """A key that nobody had before."""
    private: Any = {
        "HS256": lambda: secrets.token_hex(32).encode(),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    return Key(algorithm, private, name)


@cache
def _issuer_key(algorithm: str) -> Key:
    return new_key(algorithm)


def issuer_key(algorithm: str = "ES256") -> Key:
    """The key of the issuer that the gateways of these tests believe; always the same one."""
    return _issuer_key(algorithm)


def key_set(*keys: Key | Mapping[str, Any]) -> bytes:
    """A JWK Set with these keys."""
    return json.dumps({"keys": [key.jwk if isinstance(key, Key) else dict(key) for key in keys]}).encode()


def put(path: Path, content: bytes) -> Path:
    """Put a file in place of the one that may be there, at once, as whoever rotates keys should."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    os.replace(new, path)
    return path


def believing(directory: Path, *keys: Key, **more: Any) -> dict[str, Any]:
    """Settings of `authentication` that ask for tokens of these keys, whose files are put into `directory`."""
    files: dict[str, str] = {}
    if pem := b"".join(key.pem for key in keys if key.algorithm != "HS256"):
        files["keys"] = str(put(directory / "keys.pem", pem))
    for key in keys:
        if key.algorithm == "HS256":
            files["secret"] = str(put(directory / "secret", key.private + b"\n"))
    return {"jwt": {**files, **more}}


def claims(subject: str | None = "alice", /, **more: Any) -> dict[str, Any]:
    """What a token claims that is good for five minutes; None leaves a claim out."""
    everything = {"sub": subject, "exp": int(time.time()) + 300, **more}
    return {name: value for name, value in everything.items() if value is not None}


def token(subject: str | None = "alice", /, key: Key | None = None, **more: Any) -> str:
    """A token of the issuer's; `more` are further claims, or others, None for one that is left out."""
    key = key or issuer_key()
    headers = {"kid": key.name} if key.name else None
    return jwt.encode(claims(subject, **more), key.private, key.algorithm, headers)


def forged(header: Any, payload: Any, key: Key | None = None, signature: bytes | None = None) -> str:
    """A token as no library would make it: any header and payload, signed with a key, or as it is said."""
    signed = b".".join(encoded(part) for part in (header, payload))
    end = signature if signature is not None else (key or issuer_key()).sign(signed)
    return (signed + b"." + encoded(end)).decode()


def encoded(part: Any) -> bytes:
    """Bytes, or a value as JSON, as tokens have them."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def bearer(token: str) -> tuple[str, str]:
    """The header field that shows a token."""
    return "Authorization", f"Bearer {token}"


def spoiled(token: str, part: int) -> str:
    """The token with one bit of its header, payload or signature changed; that stays base64."""
    parts = token.split(".")
    data = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
    data[len(data) // 2] ^= 1
    parts[part] = encoded(bytes(data)).decode()
    return ".".join(parts)


def plain_signature(key: Key, data: bytes) -> bytes:
    """A signature of an ES256 key as certificates have it (DER), and of an RS256 key with another padding (PSS)."""
    if key.algorithm == "ES256":
        signature: bytes = key.private.sign(data, ec.ECDSA(hashes.SHA256()))
        assert decode_dss_signature(signature)
        return signature
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signed: bytes = key.private.sign(data, scheme, hashes.SHA256())
    return signed
