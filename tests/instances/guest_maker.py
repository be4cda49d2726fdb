"""A virtual machine that is not ours: a distribution's kernel, busybox, and nft as the appliance, on a disk that boots by itself.

It does what a guest of a cloud does: takes its address by DHCP, runs the user data of a NoCloud seed, answers the power button, and
counts its boots in the last sector of its disk.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .image_maker import make_root, run

KERNEL = Path(__file__).resolve().parents[2] / "build/guest-kernel"
"""From scripts/guest_kernel.sh."""
DISK_KIB = 49152
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "vfat", "nls_cp437", "nls_iso8859-1", "nls_ascii", "button", "evdev",
            "nf_tables", "nft_chain_nat", "nft_nat", "nft_masq", "virtio_rng")  # fmt: skip
INIT = """\
#!/bin/sh
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in @modules@; do modprobe $module 2>/dev/null; done
mkdir -p /etc/acpi/PWRF /seed /srv/www
printf '#!/bin/sh\\nsync; poweroff -f\\n' > /etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080
boots=$(dd if=/dev/vda bs=512 skip=@last@ count=1 2>/dev/null | tr -d '\\000')
boots=$((${boots:-0} + 1))
printf %s $boots | dd of=/dev/vda bs=512 seek=@last@ conv=notrunc 2>/dev/null; sync
echo "guest boots for the $boots. time, with $(nproc) processors and $(grep MemTotal /proc/meminfo)"
ip link set lo up
for path in /sys/class/net/eth*; do
  device=${path##*/}
  ip link set $device up
  udhcpc -q -n -t 20 -T 1 -i $device -s /bin/lease || echo "guest has no lease on $device"
done
mount -t vfat -o ro /dev/vdb /seed && cat /seed/meta-data && sh /seed/user-data
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f /etc/hairpin.nft || echo "guest has no rules"
echo well > /srv/www/index.html
httpd -p 80 -h /srv/www
acpid -d > /dev/null 2>&1 &
echo "guest is ready"
exec sh -c 'while :; do sleep 3600; done'
"""
LEASE = """\
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add $ip/$mask dev $interface
ip link set $interface mtu ${mtu:-1500}
[ "$interface" != eth0 ] || ip route replace default via $router dev $interface
echo "guest has $ip/$mask by $router on $interface, MTU ${mtu:-none}, DNS $dns, name $hostname"
"""
WORDS = "console=ttyS0 quiet panic=1 net.ifnames=0 mitigations=off tsc=reliable random.trust_cpu=on"
BOOT = "DEFAULT guest\nLABEL guest\n  KERNEL vmlinuz\n  INITRD initrd\n  APPEND @words@\n"


def make_disk(directory: Path) -> Path:
    """A raw disk in `directory`, which is made."""
    assert KERNEL.is_dir(), f"there is no kernel for the guest: run scripts/guest_kernel.sh {KERNEL}"
    root = make_root(directory / "guest")
    (root / "init").write_text(INIT.replace("@modules@", " ".join(_MODULES)).replace("@last@", str(DISK_KIB * 2 - 1)))
    (root / "bin/lease").write_text(LEASE)
    for name in ("init", "bin/lease"):
        (root / name).chmod(0o755)
    kernel = next((KERNEL / "boot").glob("vmlinuz-*"))
    _modules(root, version=kernel.name.removeprefix("vmlinuz-"))
    initrd = directory / "initrd"
    with initrd.open("wb") as file:
        listing = subprocess.run(["find", ".", "-print0"], cwd=root, capture_output=True, check=True).stdout
        packing = ["cpio", "--quiet", "--null", "--create", "--format=newc"]
        subprocess.run(packing, cwd=root, input=listing, stdout=file, check=True)
    run("gzip", "-1", "-f", str(initrd))
    (directory / "syslinux.cfg").write_text(BOOT.replace("@words@", WORDS))
    disk = directory / "guest.raw"
    run("/usr/sbin/mkfs.fat", "-C", "-F", "16", "-n", "GUEST", str(disk), str(DISK_KIB - 1024))
    with disk.open("r+b") as file:
        file.truncate(DISK_KIB * 1024)
    run("syslinux", "--install", str(disk))
    for source, name in ((kernel, "vmlinuz"), (initrd.with_suffix(".gz"), "initrd"), (directory / "syslinux.cfg", "")):
        run("mcopy", "-i", str(disk), str(source), f"::{name or source.name}")
    return disk


def _modules(root: Path, *, version: str) -> None:
    """The modules that the guest loads, and what they need."""
    tree = KERNEL / "lib/modules" / version
    if not (tree / "modules.dep").exists():
        run("/usr/sbin/depmod", "-b", str(KERNEL), version)
    needs = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        module, _, others = line.partition(":")
        needs[module.rpartition("/")[2].partition(".ko")[0].replace("-", "_")] = [module, *others.split()]
    wanted = {path for name in _MODULES for path in needs.get(name.replace("-", "_"), ())}
    for path in wanted:
        place = root / "lib/modules" / version / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / path, place)
    for name in ("modules.order", "modules.builtin"):
        shutil.copy2(tree / name, root / "lib/modules" / version / name)
    run("/usr/sbin/depmod", "-b", str(root), version)
