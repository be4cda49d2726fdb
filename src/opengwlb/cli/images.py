"""`gwlb image`: bring images of your own, and see what there is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from . import client, credentials, show
from .parameters import Account, Json, Name
from .refusal import Refusal

app = App(name="image", help="Images that instances start from: import your own appliance.", version_flags=())

_LOCAL_SCHEMES = ("oci:", "oci-archive:", "docker-archive:")
_REMOTE_SCHEMES = ("docker://", "http://", "https://")
_COLUMNS = ("id", "name", "kind", "vendor", "version", "owner", "size")
_IMPORT_S = 3600.0


@app.command(name="import")
def import_(
    source: str,
    /,
    *,
    image_name: Annotated[str | None, Parameter(name="--as")] = None,
    vendor: str = "",
    version: str = "",
    license: Path | None = None,
    description: str = "",
    kind: str | None = None,
    command: str | None = None,
    in_kernel: Annotated[bool, Parameter(negative=())] = False,
    public: Annotated[bool, Parameter(negative=())] = False,
    owner: str | None = None,
    region: str | None = None,
    max_gib: float = 32.0,
    name: Name = "gwlb",
    json: Json = False,
) -> None:
    """Make an AMI of an OCI image, a root file system, or a virtual machine's disk.

    gwlb image import ./firewall.oci.tar --as acme/firewall --vendor Acme --version 4.2

    Parameters
    ----------
    source
        A tar, a folder, a qcow2 or raw disk, a URL of one, or a registry reference (docker://HOST/NAME:TAG).
    image_name
        The image's name; the source's when not given.
    vendor
        Who makes it: `gwlb image show` says it.
    version
        Of the appliance, as its vendor counts.
    license
        A text file: the licence.
    description
        A sentence about it: `describe-images` answers with it.
    kind
        oci, rootfs or disk; found out by looking when not given.
    command
        What it starts, in place of the OCI image's own entry point; a root file system without one is a plain box.
    in_kernel
        It handles GENEVE in the kernel and may be sent super-packets with unfinished checksums.
    public
        Every account may launch it.
    owner
        The account that it is for; the operator's when not given.
    region
        Where it is registered.
    max_gib
        Refuse what is larger.
    """
    asked = {
        "source": _absolute(source),
        "name": image_name or _name_of(source),
        "vendor": vendor,
        "version": version,
        "licence": _text(license),
        "description": description,
        "kind": kind,
        "command": shlex.split(command) if command else [],
        "in_kernel": in_kernel,
        "public": public,
        "owner": owner,
        "region": region,
        "limit_bytes": int(max_gib * 2**30),
    }
    lines = client.operator(name).lines("images", asked, timeout_s=_IMPORT_S)
    image = follow(lines, quiet=json)
    if json:
        show.as_json(image)
    else:
        print(f"{image['id']} is {image['name']} ({image['kind']}, {_mib(image['size_bytes'])}, {image['checksum']}).")


def follow(lines: Iterator[dict[str, Any]], *, quiet: bool) -> dict[str, Any]:
    """Show how far an import is; the image that it ends with. Refuses with the server's reason."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=show.console(stderr=True), transient=True, disable=quiet) as bar:
        task, stage = None, ""
        for line in lines:
            if "error" in line:
                raise Refusal(f"{line['error']['code']}: {line['error']['message']}")
            if "image" in line:
                found: dict[str, Any] = line["image"]
                return found
            if line["stage"] != stage or task is None:
                stage = line["stage"]
                task = bar.add_task(stage, total=line["total"])
            bar.update(task, completed=line["done"], total=line["total"])
    raise Refusal("The server ended in the middle of it: nothing is left; its log says more.")


@app.command(name="list")
def list_(*, account: Account = credentials.OPERATOR, name: Name = "gwlb", json: Json = False) -> None:
    """List the images: built in, imported, and the marketplace's."""
    found = client.as_account(name, account=account).get("images")
    if json:
        show.as_json(found)
    else:
        rows = [one | {"size": _mib(one["size_bytes"]) if one["size_bytes"] else ""} for one in found["images"]]
        show.table(rows, title="images", columns=_COLUMNS)


@app.command(name="show")
def show_(image: str, /, *, account: Account = credentials.OPERATOR, name: Name = "gwlb", json: Json = False) -> None:
    """Show everything about one image, by id or name.

    Parameters
    ----------
    image
        Its id or its name.
    """
    found = [one for one in client.as_account(name, account=account).get("images")["images"] if image in _words(one)]
    if not found:
        raise Refusal(f"There is no image {image}: `gwlb image list` lists what there is.")
    if json:
        show.as_json(found[-1])
    else:
        show.table([{"what": key, "is": value} for key, value in found[-1].items()], title=image)


@app.command(name="rm")
def rm(image: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Deregister an image. Its instances go on; its content is deleted after the last of them.

    Parameters
    ----------
    image
        Its id or its name.
    """
    operator = client.operator(name)
    found = [one["id"] for one in operator.get("images")["images"] if image in _words(one)] or [image]
    done = operator.delete(f"images/{found[-1]}")
    if json:
        show.as_json(done)
    else:
        print(f"{done['deregistered']} is gone.")


def _absolute(source: str) -> str:
    """As the server, which is somewhere else on this machine, finds it."""
    for scheme in _LOCAL_SCHEMES:
        if source.startswith(scheme):
            path, colon, tag = source.removeprefix(scheme).partition(":")
            return f"{scheme}{Path(path).resolve()}{colon}{tag}"
    return source if source.startswith(_REMOTE_SCHEMES) else str(Path(source).resolve())


def _words(image: dict[str, Any]) -> tuple[str, str]:
    return image["id"], image["name"]


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _name_of(source: str) -> str:
    last = source.rstrip("/").rpartition("/")[2].partition("@")[0]
    for ending in (".gz", ".xz", ".bz2", ".tgz", ".tar", ".oci", ".qcow2", ".raw", ".img"):
        last = last.removesuffix(ending)
    return last


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise Refusal(f"The licence {path} cannot be read: {error}") from error
