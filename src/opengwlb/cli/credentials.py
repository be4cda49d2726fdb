"""DIR/credentials and DIR/config, in the format of every AWS client: a profile per account, and the operator's."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from .refusal import Refusal

OPERATOR = "operator"
"""The profile that may ask for everything, whoever owns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    access_key: str
    secret_key: str


def credentials_file(data_dir: Path) -> Path:
    return data_dir / "credentials"


def config_file(data_dir: Path) -> Path:
    return data_dir / "config"


def _read(path: Path) -> configparser.RawConfigParser:
    # No interpolation: a secret may hold a percent sign. No default section: [default] is a profile like any other.
    parser = configparser.RawConfigParser(default_section="\0")
    parser.read(path)
    return parser


def _write(path: Path, parser: configparser.RawConfigParser) -> None:
    temporary = path.with_name(path.name + ".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        parser.write(file)
    temporary.rename(path)


def profiles(data_dir: Path) -> dict[str, Profile]:
    """Every profile by name. Refuses when the file may not be read."""
    try:
        parser = _read(credentials_file(data_dir))
    except PermissionError:
        raise Refusal(f"{credentials_file(data_dir)} may not be read: run this with sudo.") from None
    return {
        name: Profile(
            name=name,
            access_key=parser.get(name, "aws_access_key_id"),
            secret_key=parser.get(name, "aws_secret_access_key"),
        )
        for name in parser.sections()
    }


def profile(data_dir: Path, *, name: str) -> Profile:
    """One profile. Refuses with the names there are."""
    known = profiles(data_dir)
    if name in known:
        return known[name]
    if not known:
        raise Refusal(f"There are no accounts in {data_dir}: start the server with `gwlb serve` or `gwlb demo`.")
    raise Refusal(f"There is no account {name}; there are {', '.join(known)}. `gwlb account create {name}` makes it.")


def put_profile(data_dir: Path, written: Profile, *, region: str) -> None:
    """Add or replace a profile in both files; readable by their owner alone."""
    secrets = _read(credentials_file(data_dir))
    secrets[written.name] = {
        "aws_access_key_id": written.access_key,
        "aws_secret_access_key": written.secret_key,
    }
    _write(credentials_file(data_dir), secrets)
    settings = _read(config_file(data_dir))
    settings[_section(written.name)] = {"region": region, "output": "json"}
    _write(config_file(data_dir), settings)


def remove_profile(data_dir: Path, *, name: str) -> None:
    """Removing what is not there changes nothing."""
    for path, section in ((credentials_file(data_dir), name), (config_file(data_dir), _section(name))):
        parser = _read(path)
        if parser.remove_section(section):
            _write(path, parser)


def _section(name: str) -> str:
    return name if name == "default" else f"profile {name}"
