"""Key pairs: real keys, and the fingerprints that ssh-keygen and openssl give for them."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from api_harness import Api, refused
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def rsa_key(bits: int = 2048) -> rsa.RSAPublicKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()


def openssh(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


@pytest.mark.skipif(shutil.which("openssl") is None or shutil.which("ssh-keygen") is None, reason="needs both tools")
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_made_pair_is_told_once_and_known_by_its_fingerprint(api: Api, tmp_path: Path, kind: str):
    made = api.ec2("CreateKeyPair", KeyName="one", KeyType=kind)
    secret = tmp_path / "key.pem"
    secret.write_text(made["KeyMaterial"])
    secret.chmod(0o600)
    if kind == "rsa":
        assert "BEGIN RSA PRIVATE KEY" in made["KeyMaterial"]
        der = subprocess.run(
            ["openssl", "pkcs8", "-in", secret, "-outform", "DER", "-topk8", "-nocrypt"],
            capture_output=True,
            check=True,
        ).stdout
        assert made["KeyFingerprint"].replace(":", "") == hashlib.sha1(der).hexdigest()
    else:
        said = subprocess.run(["ssh-keygen", "-lf", secret], capture_output=True, check=True, text=True).stdout
        assert f"SHA256:{made['KeyFingerprint'].rstrip('=')} " in said
    public = subprocess.run(["ssh-keygen", "-yf", secret], capture_output=True, check=True, text=True).stdout
    (shown,) = api.ec2("DescribeKeyPairs", KeyNames=["one"], IncludePublicKey=True)["KeyPairs"]
    assert shown["PublicKey"].split()[:2] == public.split()[:2]
    assert (shown["KeyType"], shown["KeyFingerprint"]) == (kind, made["KeyFingerprint"])
    assert "PublicKey" not in api.ec2("DescribeKeyPairs")["KeyPairs"][0]


@pytest.mark.parametrize("form", ["openssh", "pem", "der", "rfc4716"])
def test_a_public_key_is_imported_in_every_form_with_awss_fingerprint(api: Api, form: str):
    key = rsa_key()
    der = key.public_bytes(serialization.Encoding.DER, SPKI)
    blob = openssh(key).split()[1].decode()
    folded = "\n".join(blob[place : place + 70] for place in range(0, len(blob), 70))
    material = {
        "openssh": openssh(key) + b" me@here",
        "pem": key.public_bytes(serialization.Encoding.PEM, SPKI),
        "der": base64.b64encode(der),
        "rfc4716": f'---- BEGIN SSH2 PUBLIC KEY ----\nComment: "me"\n{folded}\n---- END SSH2 PUBLIC KEY ----\n'.encode(),
    }[form]
    made = api.ec2("ImportKeyPair", KeyName="mine", PublicKeyMaterial=material)
    assert made["KeyFingerprint"].replace(":", "") == hashlib.md5(der).hexdigest()


def test_what_is_no_key_is_refused_and_a_name_is_given_once(api: Api):
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    for material in (
        b"",
        b"ssh-rsa AAAA",
        b"nonsense",
        b"\xff\xfe",
        openssh(rsa_key(3072)),
        curve.public_bytes(serialization.Encoding.PEM, SPKI),
    ):
        with refused("InvalidKey.Format"):
            api.ec2("ImportKeyPair", KeyName="bad", PublicKeyMaterial=material)
    api.ec2("CreateKeyPair", KeyName="one", KeyType="ed25519")
    with refused("InvalidKeyPair.Duplicate", "one"):
        api.ec2("CreateKeyPair", KeyName="one")
    with refused("InvalidKeyPair.Duplicate", "one"):
        api.ec2("ImportKeyPair", KeyName="one", PublicKeyMaterial=openssh(rsa_key()))
    with refused("UnsupportedOperation"):
        api.ec2("CreateKeyPair", KeyName="two", KeyFormat="ppk")
    assert len(api.ec2("DescribeKeyPairs")["KeyPairs"]) == 1


def test_pairs_are_found_by_name_id_and_tag_and_deleted_without_complaint(api: Api):
    given = [{"ResourceType": "key-pair", "Tags": [{"Key": "Team", "Value": "net"}]}]
    made = api.ec2("CreateKeyPair", KeyName="one", KeyType="ed25519", TagSpecifications=given)
    api.ec2("CreateKeyPair", KeyName="two", KeyType="ed25519")
    for asked in (
        {"KeyPairIds": [made["KeyPairId"]]},
        {"Filters": [{"Name": "key-name", "Values": ["on*"]}]},
        {"Filters": [{"Name": "tag:Team", "Values": ["net"]}]},
        {"Filters": [{"Name": "fingerprint", "Values": [made["KeyFingerprint"]]}]},
    ):
        found = api.ec2("DescribeKeyPairs", **asked)["KeyPairs"]
        assert [each["KeyName"] for each in found] == ["one"], asked
    with refused("InvalidKeyPair.NotFound"):
        api.ec2("DescribeKeyPairs", KeyNames=["three"])
    assert api.of("222222222222").ec2("DescribeKeyPairs")["KeyPairs"] == []
    assert api.ec2("DeleteKeyPair", KeyName="one")["KeyPairId"] == made["KeyPairId"]
    assert "KeyPairId" not in api.ec2("DeleteKeyPair", KeyName="one")
    with refused("InvalidKeyPair.NotFound"):
        api.ec2("RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1, KeyName="one")
