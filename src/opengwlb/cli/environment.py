"""`gwlb env`: what a shell needs so that any AWS client talks to this lab as one account."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from . import credentials, lab

OVERRIDES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")
"""Set in the caller's shell, these would win over the profile."""


def variables(name: str, *, account: str, region: str) -> dict[str, str]:
    """Refuses when the server is not running or has no such account."""
    server = lab.require_running(name)
    data_dir = Path(server.data_dir)
    credentials.profile(data_dir, name=account)
    return {
        "AWS_PROFILE": account,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials.credentials_file(data_dir)),
        "AWS_CONFIG_FILE": str(credentials.config_file(data_dir)),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "GWLB_NAME": name,
    }


def tools() -> Path:
    """The directory with the `aws` of the right version: beside this command, or beside its Python."""
    own = Path(sys.argv[0]).resolve().parent
    return own if (own / "aws").exists() else Path(sys.executable).parent


def shell(values: dict[str, str]) -> str:
    """Lines for `eval`. PATH gets the directory of `tools()`."""
    lines = [f"export {key}={shlex.quote(value)}" for key, value in values.items()]
    there = shlex.quote(str(tools()))
    lines.append(f'case ":$PATH:" in *:{there}:*) ;; *) export PATH={there}:"$PATH" ;; esac')
    return "\n".join([f"unset {' '.join(OVERRIDES)}", *lines])
