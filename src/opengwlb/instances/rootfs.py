"""An instance's root directory: an allow-list, so that nothing of the host is there by accident.

It holds empty directories, the usrmerge links, a generated `/etc` with a few copied files that no program minds being
read, and the appliance SDK. `/usr` is laid over it by the runtime (`bundle.py`), everything else of the host does not
exist in the box.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import opengwlb_appliance

from .driver import InstanceSpec, resolver_file

APPLICATIONS = "/opt/opengwlb"
"""Where the SDK, the built-in appliances and the user data are in the box, read-only; also PYTHONPATH there."""

_DIRECTORIES = (
    ("dev", 0o755), ("etc", 0o755), ("home", 0o755), ("mnt", 0o755), ("opt", 0o755), ("proc", 0o555), ("root", 0o700),
    ("run", 0o755), ("srv", 0o755), ("sys", 0o555), ("tmp", 0o1777), ("usr", 0o755), ("var", 0o755), ("var/cache",
    0o755), ("var/lib", 0o755), ("var/log", 0o755), ("var/tmp", 0o1777),
)  # fmt: skip
_LINKS = {"var/run": "/run", "etc/mtab": "../proc/self/mounts"}
_COPIED = (
    "bash.bashrc", "debian_version", "ethertypes", "gai.conf", "host.conf", "inputrc", "iproute2", "ld.so.cache",
    "ld.so.conf", "ld.so.conf.d", "localtime", "magic", "mime.types", "networks", "os-release", "profile", "protocols",
    "python3*", "rpc", "services", "ssl/certs/ca-certificates.crt", "ssl/openssl.cnf", "terminfo",
)  # fmt: skip
"""From the host's /etc: configuration of libraries and tools, never of accounts, keys, services or networks."""
_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
tcpdump:x:100:100::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP = """\
root:x:0:
daemon:x:1:
sys:x:3:
tty:x:5:
www-data:x:33:
tcpdump:x:100:
nogroup:x:65534:
"""
_NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n"


def make_root(root: Path, *, spec: InstanceSpec) -> None:
    """Create the root directory of an instance that has none; after that it is the instance's own disk. Raises
    OSError."""
    half_made = root.with_name(root.name + ".new")
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(parents=True, mode=0o755)
    for name, mode in _DIRECTORIES:
        directory = half_made / name
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        # Follow the host: an architecture without /lib64 has none in the box either.
        if Path("/", name).is_symlink():
            (half_made / name).symlink_to(f"usr/{name}")
    for name, target in _LINKS.items():
        (half_made / name).symlink_to(target)
    _write_etc(half_made / "etc", spec=spec)
    half_made.rename(root)


def _write_etc(etc: Path, *, spec: InstanceSpec) -> None:
    for pattern in _COPIED:
        for source in Path("/etc").glob(pattern):
            _copy(source, etc / source.relative_to("/etc"))
    _copy_alternatives(etc / "alternatives")
    names = "".join(f"{address} {spec.hostname}\n" for address in spec.addresses)
    for name, mode, text in (
        ("passwd", 0o644, _PASSWD),
        ("group", 0o644, _GROUP),
        ("shadow", 0o600, "".join(f"{line.split(':')[0]}:*:::::::\n" for line in _PASSWD.splitlines())),
        ("nsswitch.conf", 0o644, _NSSWITCH),
        ("hostname", 0o644, f"{spec.hostname}\n"),
        ("hosts", 0o644, f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{names}"),
        ("resolv.conf", 0o644, resolver_file(spec)),
    ):
        path = etc / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
    if spec.authority:
        trusted = etc / "ssl" / "certs" / "ca-certificates.crt"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        with trusted.open("a", encoding="ascii") as bundle:
            bundle.write(spec.authority)


def _copy(source: Path, destination: Path) -> None:
    """A file, link or directory. Links stay links: into /usr they work in the box, elsewhere they
    dangle."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        destination.symlink_to(os.readlink(source))
    elif source.is_dir():
        shutil.copytree(source, destination, symlinks=True)
    elif source.is_file():
        shutil.copy2(source, destination)


def _copy_alternatives(destination: Path) -> None:
    """Debian's links from a command's name to one of its programs: iptables, nft's twin, nc and others are reached
    through them."""
    destination.mkdir()
    source = Path("/etc/alternatives")
    if not source.is_dir():
        return
    for link in source.iterdir():
        if link.is_symlink() and os.readlink(link).startswith(("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")):
            (destination / link.name).symlink_to(os.readlink(link))


def make_applications(directory: Path, *, spec: InstanceSpec) -> None:
    """Put this version's SDK, built-in appliances and the user data into a directory beside the root, which is shown
    in the box.

    Never into the root itself: after its first boot it belongs to the instance, whose links would lead our writes into
    the host. Raises OSError.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o755)
    for name, source in (
        ("opengwlb_appliance", Path(opengwlb_appliance.__file__).parent),
        ("builtin", Path(__file__).parent / "builtin"),
    ):
        shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    user_data = directory / "user-data"
    user_data.touch(mode=0o600)
    user_data.write_bytes(spec.user_data)
