"""Key material of key pairs: made, read in the forms that EC2 takes, and fingerprinted by EC2's rules.

The rules depend on how the pair came (EC2 user guide, "Verify the fingerprint"): a made RSA pair has the SHA-1 of its private key in
PKCS#8 DER, an imported one the MD5 of its public key in DER, an Ed25519 one always the SHA-256 of its public key as OpenSSH has it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

Kind = Literal["rsa", "ed25519"]
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_BITS = 2048
_RSA_SIZES = (1024, 2048, 4096)
"""What ImportKeyPair takes."""


class NoKey(ValueError):
    """The text is no public key that EC2 takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    kind: Kind
    fingerprint: str
    public_line: str
    """`ssh-rsa AAAA…`."""
    private_pem: str = ""
    """Only of one that was made just now; nobody keeps it."""


def make(kind: Kind) -> Key:
    """A new pair; an RSA one takes some 50 ms of CPU."""
    der, pem = serialization.Encoding.DER, serialization.Encoding.PEM
    bare = serialization.NoEncryption()
    if kind == "rsa":
        secret = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        digest = hashlib.sha1(secret.private_bytes(der, serialization.PrivateFormat.PKCS8, bare), usedforsecurity=False)
        text = secret.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, bare)
        line = _line(secret.public_key())
        return Key(kind=kind, fingerprint=_pairs(digest.hexdigest()), public_line=line, private_pem=text.decode())
    other = ed25519.Ed25519PrivateKey.generate()
    text = other.private_bytes(pem, serialization.PrivateFormat.OpenSSH, bare)
    line = _line(other.public_key())
    return Key(kind=kind, fingerprint=_sha256(line), public_line=line, private_pem=text.decode())


def read(material: bytes) -> Key:
    """A public key as OpenSSH, RFC 4716, PEM or base64 of DER writes it. Raises NoKey."""
    try:
        public = _parsed(material.strip())
    except (ValueError, UnsupportedAlgorithm, binascii.Error) as cause:
        raise NoKey("Key is not in valid OpenSSH public key format") from cause
    line = _line(public)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return Key(kind="ed25519", fingerprint=_sha256(line), public_line=line)
    if public.key_size not in _RSA_SIZES:
        raise NoKey(f"RSA keys have 1024, 2048 or 4096 bits, not {public.key_size}")
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.md5(der, usedforsecurity=False)
    return Key(kind="rsa", fingerprint=_pairs(digest.hexdigest()), public_line=line)


def _parsed(material: bytes) -> PublicKey:
    if material.startswith(b"-----BEGIN"):
        found: object = serialization.load_pem_public_key(material)
    elif material.startswith(b"---- BEGIN SSH2"):
        found = serialization.load_ssh_public_key(_of_rfc4716(material))
    elif material.startswith(b"ssh-"):
        found = serialization.load_ssh_public_key(material)
    else:
        found = serialization.load_der_public_key(base64.b64decode(material, validate=True))
    if not isinstance(found, (rsa.RSAPublicKey, ed25519.Ed25519PublicKey)):
        raise ValueError("neither RSA nor Ed25519")
    return found


def _of_rfc4716(material: bytes) -> bytes:
    """The same key as one OpenSSH line; headers, which end in a backslash when they go on, say nothing that counts."""
    text = re.sub(r"\\\r?\n", "", material.decode("ascii"))
    body = "".join(line for line in text.splitlines() if not line.startswith("----") and ":" not in line)
    blob = base64.b64decode(body, validate=True)
    kind = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    return kind + b" " + body.encode()


def _line(public: PublicKey) -> str:
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _sha256(line: str) -> str:
    return base64.b64encode(hashlib.sha256(base64.b64decode(line.split()[1])).digest()).decode()


def _pairs(digest: str) -> str:
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))
