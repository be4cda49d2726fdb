"""The first process of a box with a virtual machine in it: QEMU, and what the machine expects of its surroundings.

The guest's network cards are the instance's interfaces: whatever comes to `eth0` of the box goes to a tap and the other way round, at
tc, so the box itself has no part in it, and the guest has the interface's MAC address. Its addresses it asks for by DHCP, as on AWS;
who it is and its user data are on a NoCloud seed; its serial port is the console; being stopped is its power button.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from .dhcp import Lease, serve
from .init import Console, Init, how

IMAGE = Path("/opt/image/disk.img")
STATE = Path("/var/lib/machine")
"""On the instance's disk: the overlay over the image, and the seed."""
QMP = "/run/machine.qmp"
USER_DATA = Path("/opt/opengwlb/user-data")
NEEDED = ("qemu-system-x86_64", "qemu-img", "mformat", "mcopy", "tc")
PACKAGES = "qemu-system-x86 qemu-utils mtools iproute2"
PRESS_AGAIN_S = 5.0
"""A guest that is still booting does not hear the power button."""
PROBE_S = 4.0
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_SEED_KIB = 1440
# mov dx,0x3f8; mov al,'K'; out dx,al; hlt: says K on the serial port as soon as the BIOS has come to an end.
_BOOT_SECTOR = bytes.fromhex("baf803b04beef4ebfd").ljust(510, b"\0") + b"\x55\xaa"


class Card:
    """One interface of the instance, joined to a tap."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.device, self.tap = f"eth{index}", f"tap{index}"
        self.mac = Path(f"/sys/class/net/{self.device}/address").read_text(encoding="ascii").strip()
        self.mtu = int(Path(f"/sys/class/net/{self.device}/mtu").read_text(encoding="ascii"))
        self.descriptor = os.open("/dev/net/tun", os.O_RDWR)
        request = struct.pack("16sH14x", self.tap.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR)
        fcntl.ioctl(self.descriptor, _TUNSETIFF, request)
        os.set_inheritable(self.descriptor, True)

    def join(self) -> None:
        """From now on the interface is the guest's. Raises OSError."""
        for device in (self.device, self.tap):
            _run("ip", "link", "set", device, "mtu", str(self.mtu), "up")
            subprocess.run(["tc", "qdisc", "del", "dev", device, "clsact"], capture_output=True, check=False)
            _run("tc", "qdisc", "add", "dev", device, "clsact")
        # The guest's DHCP is answered here and is nobody else's: into the box, where nobody listens to it.
        udp_to_67 = ("match", "ip", "protocol", "17", "0xff", "match", "ip", "dport", "67", "0xffff")
        _redirect(self.tap, "lo", 1, "ip", *udp_to_67)
        _redirect(self.device, self.tap, 2, "all", "match", "u32", "0", "0")
        _redirect(self.tap, self.device, 2, "all", "match", "u32", "0", "0")

    def lease(self, hostname: str) -> Lease | None:
        """What the guest is to be told by DHCP: what the box has been given. None without an IPv4 address."""
        shown = json.loads(_run("ip", "-json", "-4", "address", "show", "dev", self.device))
        addresses = [one for each in shown for one in each.get("addr_info", ()) if one.get("scope") == "global"]
        if not addresses:
            return None
        address, prefix = addresses[0]["local"], int(addresses[0]["prefixlen"])
        network = int.from_bytes(socket.inet_aton(address), "big") & ~((1 << 32 - prefix) - 1)
        router = socket.inet_ntoa((network + 1).to_bytes(4, "big"))
        return Lease(
            mac=self.mac, address=address, prefix=prefix, router=router, mtu=self.mtu, hostname=hostname,
            nameservers=("169.254.169.253",),
        )  # fmt: skip


def _redirect(source: str, destination: str, priority: int, protocol: str, *match: str) -> None:
    """What comes in by `source` and matches goes out by `destination`. u32 and mirred: in every kernel's configuration."""
    where = ("dev", source, "ingress", "prio", str(priority), "protocol", protocol)
    action = ("action", "mirred", "egress", "redirect", "dev", destination)
    _run("tc", "filter", "add", *where, "u32", *match, *action)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def kvm_works() -> bool:
    """Whether a machine comes through its BIOS under KVM here: inside other virtual machines /dev/kvm may be there and not do."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    sector, output = STATE / "probe.img", STATE / "probe.out"
    sector.write_bytes(_BOOT_SECTOR)
    output.write_bytes(b"")
    command = [
        "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "32", "-nodefaults", "-display", "none",
        "-serial", f"file:{output}", "-drive", f"file={sector},format=raw,if=ide,snapshot=on",
    ]  # fmt: skip
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + PROBE_S
        while time.monotonic() < give_up and child.poll() is None:
            if output.read_bytes().rstrip().endswith(b"K"):
                return True
            time.sleep(0.05)
        return False
    finally:
        child.kill()
        child.wait()
        sector.unlink()
        output.unlink()


def make_disk() -> Path:
    """The instance's own disk: what it changes is over the image."""
    overlay = STATE / "disk.qcow2"
    if not overlay.exists():
        with IMAGE.open("rb") as file:
            form = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        half_made = STATE / "disk.new"
        _run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(IMAGE), "-F", form, str(half_made))
        half_made.rename(overlay)
    return overlay


def make_seed(*, instance: str, hostname: str) -> Path:
    """NoCloud's: a FAT file system called CIDATA with `meta-data` and `user-data`."""
    seed = STATE / "seed.img"
    seed.unlink(missing_ok=True)
    _run("mformat", "-C", "-f", str(_SEED_KIB), "-v", "CIDATA", "-i", str(seed), "::")
    meta = STATE / "meta-data"
    meta.write_text(f"instance-id: {instance}\nlocal-hostname: {hostname}\n", encoding="utf-8")
    for source, name in ((meta, "meta-data"), (USER_DATA, "user-data")):
        _run("mcopy", "-o", "-i", str(seed), str(source), f"::{name}")
    return seed


def command(cards: list[Card], *, disk: Path, seed: Path, memory_mib: int, cpus: int, kvm: bool) -> tuple[str, ...]:
    """QEMU's command line."""
    accelerator = (
        ("-accel", "kvm", "-cpu", "host") if kvm else ("-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max")
    )
    words = [
        str(shutil.which("qemu-system-x86_64")), "-name", "guest", "-machine", "pc", *accelerator,
        "-m", str(memory_mib), "-smp", str(cpus), "-nodefaults", "-display", "none", "-serial", "stdio",
        "-qmp", f"unix:{QMP},server=on,wait=off", "-device", "virtio-rng-pci",
        "-drive", f"file={disk},format=qcow2,if=none,id=root,discard=unmap",
        "-device", "virtio-blk-pci,drive=root,bootindex=1",
        "-drive", f"file={seed},format=raw,if=none,id=seed,readonly=on", "-device", "virtio-blk-pci,drive=seed",
    ]  # fmt: skip
    for card in cards:
        words += ["-netdev", f"tap,id=net{card.index},fd={card.descriptor}"]
        words += ["-device", f"virtio-net-pci,netdev=net{card.index},mac={card.mac},host_mtu={card.mtu},rombar=0"]
    return tuple(words)


def press_power_button() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(QMP)
            stream = connection.makefile("rwb")
            stream.readline()
            for word in ("qmp_capabilities", "system_powerdown"):
                stream.write(json.dumps({"execute": word}).encode() + b"\n")
                stream.flush()
                stream.readline()
        except OSError:
            return  # not there yet, or no longer: asked again, or not needed


def run(arguments: argparse.Namespace, init: Init) -> int:
    hostname = os.uname().nodename
    cards = [Card(index) for index in range(64) if Path(f"/sys/class/net/eth{index}").exists()]
    for card in cards:
        card.join()
        lease = card.lease(hostname)
        if lease is not None:
            threading.Thread(target=serve, args=(card.tap, lease), daemon=True).start()
    kvm = kvm_works()
    init.console.say(
        "the machine starts with KVM" if kvm else "the machine starts without KVM, which does not work here"
    )
    init.start("machine", command(
        cards,
        disk=make_disk(),
        seed=make_seed(instance=arguments.instance, hostname=hostname),
        memory_mib=arguments.memory_mib,
        cpus=arguments.cpus,
        kvm=kvm,
    ))  # fmt: skip
    pressed = 0.0
    while True:
        ended = init.turn(0.5)
        if "machine" in ended:
            code = ended["machine"]
            init.console.say("the machine has ended" if code == 0 else f"the machine {how(code)}")
            return code
        if init.stopping and time.monotonic() - pressed > PRESS_AGAIN_S:
            pressed = time.monotonic()
            init.console.say("the power button is pressed")
            press_power_button()


def main() -> None:
    parser = argparse.ArgumentParser(description="First process of a box with a virtual machine.")
    parser.add_argument("--boot", type=int, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--memory-mib", type=int, required=True)
    parser.add_argument("--cpus", type=int, required=True)
    arguments = parser.parse_args()
    init = Init(Console(1))
    init.console.say(f"boot {arguments.boot} of {os.uname().nodename}")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        init.console.say(f"virtual machines need {', '.join(missing)}: apt install {PACKAGES}")
        sys.exit(1)
    try:
        sys.exit(run(arguments, init))
    except OSError as problem:
        init.console.say(f"the machine cannot be started: {problem}")
        sys.exit(1)


if __name__ == "__main__":
    main()
