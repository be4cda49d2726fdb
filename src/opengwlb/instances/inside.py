"""A child process that works inside the root directory of an image and can reach nothing else: it goes there with chroot first.

So no name in an archive and no link in a tree leads into the machine, whatever they say. What it writes and deletes it names relative to
the root all the same. Run as a file, with the standard library
alone. Prints one JSON object: `{"error": "…"}`, or what the task found.

    python3 inside.py unpack ROOT LIMIT_BYTES < archive.tar[.gz|.bz2|.xz]
    python3 inside.py survey ROOT LIMIT_BYTES
"""

from __future__ import annotations

import bz2  # noqa: F401 - what tarfile would import after the chroot
import contextlib
import encodings.idna
import encodings.latin_1  # noqa: F401
import errno
import gzip  # noqa: F401
import json
import lzma
import os
import stat
import struct
import sys
import tarfile
import zlib

MEMBERS = 2_000_000
"""More files than any image has."""
MACHINES = {62: "x86_64", 183: "arm64", 3: "i386", 40: "arm", 243: "riscv64"}
"""ELF's e_machine as EC2 (or, where it has no word, Debian) says it."""
_DEVICES = ("dev",)
"""Directories whose device nodes are left out silently: the box has a /dev of its own."""
_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Bad(Exception):
    """The image cannot be used; the message says why."""


def unpack(limit: int) -> dict[str, object]:
    """Extract standard input into `/`. Raises Bad, OSError."""
    size = members = 0
    try:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
            for member in archive:
                members += 1
                size += member.size if member.isreg() else 0
                if members > MEMBERS:
                    raise Bad(f"the archive has more than {MEMBERS} files")
                if size > limit:
                    raise Bad(f"the archive holds more than {limit} bytes: raise the limit with --max-gib")
                if _wanted(member):
                    _extract(archive, member)
    except (tarfile.ReadError, EOFError, lzma.LZMAError, zlib.error) as problem:
        raise Bad(f"this is no whole tar archive: {problem}") from problem
    return {"bytes": size, "members": members}


def _wanted(member: tarfile.TarInfo) -> bool:
    """False for device nodes of /dev. Raises Bad for what no honest archive has."""
    for what, name in (("member", member.name), ("hard link to", member.linkname if member.islnk() else "")):
        if name.startswith("/") or ".." in name.split("/"):
            raise Bad(f"the {what} {name!r} leads out of the image")
    if member.ischr() or member.isblk():
        if _in_dev(member.name):
            return False
        raise Bad(f"{member.name!r} is a device node: an image has none outside /dev")
    return True


def _in_dev(name: str) -> bool:
    return name.removeprefix("./").split("/")[0] in _DEVICES


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    path = f"./{member.name}"
    if not member.isdir():
        # A later member of the same name replaces the earlier one, as tar has it; never writes through a link.
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(path)
    member.name = member.name.removeprefix("./") or "."
    archive.extract(member, ".", numeric_owner=True)
    for name, value in member.pax_headers.items():
        if name.startswith("SCHILY.xattr.security.capability"):
            os.setxattr(path, "security.capability", value.encode("utf-8", "surrogateescape"), follow_symlinks=False)


if hasattr(tarfile, "fully_trusted_filter"):
    # The chroot is the wall, and ids, modes and absolute links are wanted as they are.
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.fully_trusted_filter)


def survey(limit: int, programs: list[str]) -> dict[str, object]:
    """Size, architecture and shell of the tree at `/`; takes device nodes out of /dev. `programs`: the first one's file must be there.
    Raises Bad, OSError."""
    size = members = 0
    machine = ""
    for directory, directories, files in os.walk("."):
        for name in [*directories, *files]:
            path = os.path.join(directory, name)
            found = os.lstat(path)
            members += 1
            if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
                if not _in_dev(path):
                    raise Bad(f"{path[1:]} is a device node: an image has none outside /dev")
                os.unlink(path)
            elif stat.S_ISREG(found.st_mode):
                size += found.st_size
                if not machine and found.st_mode & 0o111:
                    machine = _machine(path)
        if size > limit or members > MEMBERS:
            raise Bad(f"the image holds more than {limit} bytes or {MEMBERS} files: raise the limit with --max-gib")
    if members == 0:
        raise Bad("the image is empty")
    if programs and not _program(programs[0]):
        raise Bad(f"the program {programs[0]!r}, which the image is to start, is not in it")
    return {"bytes": size, "members": members, "machine": machine, "shell": os.access("/bin/sh", os.X_OK)}


def _program(name: str) -> bool:
    if "/" in name:
        return os.path.exists(name if name.startswith("/") else "/" + name)
    return any(os.access(os.path.join(directory, name), os.X_OK) for directory in _SEARCHED)


def _machine(path: str) -> str:
    """For which processor an ELF file is; empty for another file."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError:
        return ""
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return ""
    (number,) = struct.unpack_from("<H" if head[5] == 1 else ">H", head, 18)
    return MACHINES.get(number, f"machine {number}")


def main() -> int:
    task, root, limit, *programs = sys.argv[1:]
    try:
        os.chroot(root)
        os.chdir("/")
        found = unpack(int(limit)) if task == "unpack" else survey(int(limit), programs)
    except Bad as problem:
        found = {"error": str(problem)}
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        found = {"error": "the disk is full" if full else f"{problem.filename or 'the image'}: {problem.strerror}"}
    except (MemoryError, UnicodeError, ValueError, OverflowError) as problem:
        found = {"error": f"this is no archive that can be read: {problem}"}
    print(json.dumps(found))
    return 1 if "error" in found else 0


if __name__ == "__main__":
    sys.exit(main())
