"""Key pairs: made, imported, described, deleted. Data only: nothing puts a key into an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opengwlb.api.common import filters, resources, tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import dry_run, invalid_parameter, missing, unsupported
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import KeyPair
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

if TYPE_CHECKING:
    # Loaded when a key is made or read: cryptography takes its time.
    from opengwlb.api.common import ssh_keys

_LONGEST_NAME = 255

SPEC: Mapping[str, Callable[[KeyPair], Iterable[str]]] = {
    "key-pair-id": lambda pair: (pair.id,),
    "fingerprint": lambda pair: (pair.fingerprint,),
    "key-name": lambda pair: (pair.name,),
}


@action("ec2", "CreateKeyPair")
def create_key_pair(ctx: Context, params: Parameters) -> Answer:
    """The only answer that has the private key: it is not kept."""
    if params.get("KeyFormat", "pem") != "pem":
        raise unsupported("KeyFormat", "private keys are written as PEM; puttygen makes a PPK of one.")
    kind = params.get("KeyType", "rsa")
    if kind not in ("rsa", "ed25519"):
        raise invalid_parameter(kind, parameter="keyType", reason="Use rsa or ed25519.")
    name, given = _name(params), tags.from_specifications(params, "key-pair")
    if _by_name(ctx, ctx.store.snapshot(), name) is not None:
        raise _duplicate(name)
    dry_run(params)
    from opengwlb.api.common import ssh_keys

    made = ssh_keys.make(kind)
    pair = _put(ctx, made, name=name, given=given)
    return {**_answer(pair), "KeyMaterial": made.private_pem}


@action("ec2", "ImportKeyPair")
def import_key_pair(ctx: Context, params: Parameters) -> Answer:
    from opengwlb.api.common import ssh_keys

    name, given = _name(params), tags.from_specifications(params, "key-pair")
    try:
        key = ssh_keys.read(params["PublicKeyMaterial"])
    except ssh_keys.NoKey as error:
        raise AwsError("InvalidKey.Format", str(error)) from error
    if _by_name(ctx, ctx.store.snapshot(), name) is not None:
        raise _duplicate(name)
    dry_run(params)
    return _answer(_put(ctx, key, name=name, given=given))


def _put(ctx: Context, key: ssh_keys.Key, *, name: str, given: dict[str, str]) -> KeyPair:
    def work(tx: Transaction) -> KeyPair:
        if _by_name(ctx, tx, name) is not None:
            raise _duplicate(name)
        pair = KeyPair(
            id=new_id("key"),
            account=ctx.account,
            region=ctx.region,
            name=name,
            kind=key.kind,
            fingerprint=key.fingerprint,
            public_key=key.public_line,
            created=ctx.now,
            tags=given,
        )
        tx.put(pair)
        return pair

    return ctx.store.transact(work)


def _answer(pair: KeyPair) -> Answer:
    shown: Answer = {"KeyPairId": pair.id, "KeyName": pair.name, "KeyFingerprint": pair.fingerprint}
    return shown | ({"Tags": tags.answer(pair.tags)} if pair.tags else {})


@action("ec2", "DescribeKeyPairs")
def describe_key_pairs(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    pairs = resources.named(ctx, snapshot, KeyPair, params.get("KeyPairIds"))
    if names := params.get("KeyNames"):
        for name in names:
            require_named(ctx, snapshot, name)
        pairs = [pair for pair in pairs if pair.name in names]
    public = bool(params.get("IncludePublicKey"))
    found = filters.apply(pairs, params.get("Filters"), SPEC)
    return {"KeyPairs": [_described(pair, public=public) for pair in found]}


def _described(pair: KeyPair, *, public: bool) -> dict[str, Any]:
    shown = {"Tags": [], **_answer(pair), "KeyType": pair.kind, "CreateTime": timestamp(pair.created)}
    return shown | ({"PublicKey": f"{pair.public_key} {pair.name}"} if public else {})


@action("ec2", "DeleteKeyPair")
def delete_key_pair(ctx: Context, params: Parameters) -> Answer:
    """One that is not there is no error, as on AWS."""
    name, pair_id = params.get("KeyName"), params.get("KeyPairId")
    if not name and not pair_id:
        raise missing("keyName or keyPairId")

    def work(tx: Transaction) -> str | None:
        pair = resources.find(ctx, tx, KeyPair, pair_id) if pair_id else _by_name(ctx, tx, name or "")
        dry_run(params)
        if pair is None:
            return None
        tx.delete(KeyPair, pair.id)
        return pair.id

    gone = ctx.store.transact(work)
    return {"Return": True} | ({"KeyPairId": gone} if gone else {})


def require_named(ctx: Context, view: View, name: str) -> KeyPair:
    """Errors: InvalidKeyPair.NotFound."""
    pair = _by_name(ctx, view, name)
    if pair is None:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return pair


def _by_name(ctx: Context, view: View, name: str) -> KeyPair | None:
    return next((pair for pair in resources.owned(ctx, view, KeyPair) if pair.name == name), None)


def _name(params: Parameters) -> str:
    name: str = params["KeyName"]
    if not name.strip():
        raise missing("keyName")
    if len(name) > _LONGEST_NAME or not name.isascii():
        raise invalid_parameter(name, parameter="keyName", reason=f"Use at most {_LONGEST_NAME} ASCII characters.")
    return name


def _duplicate(name: str) -> AwsError:
    return AwsError("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
