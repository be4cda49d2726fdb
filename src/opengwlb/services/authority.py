"""The keys that instances trust: a certificate authority for the API's own names, and the signer of identity documents.

Both are made once and kept in the store, so that what an instance trusted before a restart it trusts after it.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from opengwlb.api.secrets import secret
from opengwlb.store.protocol import Store

AUTHORITY, DOCUMENTS = "authority", "identity-document"
_YEARS = timedelta(days=3650)
_EARLIER = timedelta(hours=1)
"""Clocks of instances may be behind."""


def authority_certificate(store: Store) -> str:
    """PEM, to be put into trust stores."""
    return _split(secret(store, AUTHORITY, make=_new_authority))[1]


def document_certificate(store: Store) -> str:
    """PEM of the certificate that identity documents verify against."""
    return _split(secret(store, DOCUMENTS, make=_new_signer))[1]


def server_context(store: Store, names: Iterable[str], addresses: Iterable[str]) -> ssl.SSLContext:
    """TLS for a server of these names, with a certificate made now by the authority."""
    authority_key, authority_pem = _split(secret(store, AUTHORITY, make=_new_authority))
    signer = serialization.load_pem_private_key(authority_key.encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    held = list(names)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in held]
    alternatives += [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
    certificate = (
        _builder("OpenGWLB interface endpoint", issuer=x509.load_pem_x509_certificate(authority_pem.encode()).subject)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.NamedTemporaryFile(
        suffix=".pem"
    ) as file:  # ssl reads keys from files only; this one is ours alone (0600)
        file.write(_private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(Path(file.name))
    return context


class DocumentSigner:
    """Signs instance identity documents as AWS presents it: base64 without the lines that PEM puts around."""

    def __init__(self, store: Store) -> None:
        key, certificate = _split(secret(store, DOCUMENTS, make=_new_signer))
        loaded = serialization.load_pem_private_key(key.encode(), password=None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        self._key = loaded
        self._certificate = x509.load_pem_x509_certificate(certificate.encode())

    def signature(self, document: bytes) -> str:
        """Of the document's SHA-256 (PKCS #1 v1.5)."""
        return _lines(self._key.sign(document, padding.PKCS1v15(), hashes.SHA256()))

    def pkcs7(self, document: bytes) -> str:
        """With the document in it, without the certificate, as AWS's."""
        signed = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(document)
            .add_signer(self._certificate, self._key, hashes.SHA256())
            .sign(
                serialization.Encoding.DER,
                [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities, pkcs7.PKCS7Options.NoCerts],
            )
        )
        return _lines(signed)


def _lines(raw: bytes) -> str:
    text = base64.b64encode(raw).decode()
    return "\n".join(text[start : start + 64] for start in range(0, len(text), 64))


def _new_authority() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("OpenGWLB local authority")
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return (_private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _new_signer() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = (
        _builder("OpenGWLB instance identity documents").public_key(key.public_key()).sign(key, hashes.SHA256())
    )
    return (_private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def _builder(name: str, *, issuer: x509.Name | None = None) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _YEARS)
    )


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _split(pem: str) -> tuple[str, str]:
    """(key, certificate)"""
    key, mark, certificate = pem.partition("-----BEGIN CERTIFICATE-----")
    return key, mark + certificate
