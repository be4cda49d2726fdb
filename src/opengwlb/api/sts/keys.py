"""What can be asked about an access key, and about a refusal."""

from __future__ import annotations

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.account import AccessKey
from opengwlb.wire.errors import AwsError


@action("sts", "GetAccessKeyInfo")
def get_access_key_info(ctx: Context, params: Parameters) -> Answer:
    """The account that a key is of, whoever asks, as on AWS. Temporary keys are not kept: only the caller's own is known.

    That an unknown key is this error is inferred: AWS reads the account out of the key.
    """
    key_id = params["AccessKeyId"]
    if key_id == ctx.access_key:
        return {"Account": ctx.account}
    key = ctx.store.snapshot().get(AccessKey, key_id)
    if key is None:
        raise AwsError("ValidationError", f"The access key {key_id} is of no account here")
    return {"Account": key.account}


@action("sts", "DecodeAuthorizationMessage")
def decode_authorization_message(ctx: Context, params: Parameters) -> Answer:
    """Refusals here say in plain words what was missing and encode nothing, so that no message can be a genuine one."""
    raise AwsError(
        "InvalidAuthorizationMessageException",
        "The message is not an encoded authorization message: errors here have none, their sentence says why.",
    )
