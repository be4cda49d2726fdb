"""Images that are not ours: a busybox root with nft from Debian's packages, made into an OCI image by umoci."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

NFT = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") or "nft"
HAIRPIN = """\
table ip hairpin {
  map nodes { type ipv4_addr : ipv4_addr; flags dynamic; size 1024; }
  chain in { type nat hook prerouting priority dstnat;
    udp dport 6081 add @nodes { ip saddr : ip saddr } dnat to ip saddr map @nodes
  }
  chain out { type nat hook postrouting priority srcnat; udp dport 6081 masquerade; }
}
"""
START = """\
#!/bin/sh
set -e
echo "appliance of $VENDOR starts as $(id -u), in $(pwd), with $*"
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f /etc/hairpin.nft
mkdir -p /srv/www
echo well > /srv/www/index.html
trap 'exit 0' QUIT
httpd -f -p 80 -h /srv/www &
wait
"""


def run(*argv: str, **more: object) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


def libraries(program: str) -> list[Path]:
    """The shared libraries of a program, and the loader."""
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", run("ldd", program))]


def make_root(root: Path) -> Path:
    """A root file system of busybox and nft, with the appliance's start script."""
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "usr/sbin", "var"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy2("/usr/bin/busybox", root / "bin/busybox")
    for name in run("/usr/bin/busybox", "--list").split():
        if name != "busybox" and not (root / "bin" / name).exists():
            (root / "bin" / name).symlink_to("busybox")
    shutil.copy2(NFT, root / "usr/sbin/nft")
    for library in libraries(NFT):
        place = root / str(library).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, place)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nweb:x:33:44::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nweb:x:44:\n")
    (root / "etc/hairpin.nft").write_text(HAIRPIN)
    (root / "start").write_text(START)
    (root / "start").chmod(0o755)
    return root


def make_oci(layout: Path, root: Path, *config: str) -> Path:
    """An OCI layout folder with `root` as its one layer; `config` are arguments of `umoci config`."""
    image = f"{layout}:appliance"
    bundle = layout.with_name(f"{layout.name}.bundle")
    run("umoci", "init", "--layout", str(layout))
    run("umoci", "new", "--image", image)
    run("umoci", "unpack", "--image", image, str(bundle))
    run("cp", "-a", f"{root}/.", f"{bundle}/rootfs/")
    run("umoci", "repack", "--image", image, str(bundle))
    run("umoci", "config", "--image", image, *config)
    shutil.rmtree(bundle)
    return layout


APPLIANCE = ("--config.entrypoint", "/start", "--config.cmd", "its arguments", "--config.env", "VENDOR=Acme",
             "--config.workingdir", "/srv", "--config.stopsignal", "SIGQUIT")  # fmt: skip
