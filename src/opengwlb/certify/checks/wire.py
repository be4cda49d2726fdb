"""The tunnel's own bytes: outer packet and GENEVE header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .. import packets
from ..judgement import (
    Failed,
    NotApplicable,
    NotReturned,
    every_return,
    not_returned,
    same_bytes,
    same_headers,
    the_return,
)
from ..lab import Lab
from ..packets import OTHER_CLASS, Option
from ..registry import Level, check
from ..shots import Return, Shot


def _one(lab: Lab) -> tuple[Shot, Return]:
    shot = lab.fresh().data()
    return shot, the_return(shot, lab.exchange([shot])[0])


def _one_by_one(lab: Lab, shots: Sequence[Shot]) -> None:
    """Headers of one flow that differ: an appliance may return what it last saw of the flow, so each has to be back first."""
    for shot in shots:
        same_headers([shot], [the_return(shot, lab.exchange([shot])[0])])


@check(
    Level.REQUIRED,
    "The forty header bytes come back as they went",
    why="the load balancer finds the flow by endpoint and cookie and drops what it does not know",
    transparent=False,
)
def header_echo(lab: Lab) -> str:
    talks = [lab.fresh() for _ in range(8)]
    shots = [talk.data() for talk in talks]
    same_headers(shots, every_return(shots, lab.exchange(shots)))
    return "8 flows, 40 of 40 bytes each"


@check(
    Level.RECOMMENDED,
    "An attachment id that is not zero comes back",
    why="AWS sends zero today and may fill it for transit gateways; it belongs to the header that is echoed",
    transparent=False,
)
def attachment_echo(lab: Lab) -> str:
    talk = lab.fresh()
    flow = replace(talk.flow, attachment=0x0123456789ABCDEF)
    shot = talk.data(header=flow.header)
    same_headers([shot], [the_return(shot, lab.exchange([shot])[0])])
    return "attachment 0x0123456789abcdef came back"


@check(
    Level.REQUIRED,
    "The outer addresses are swapped",
    why="what is not sent from the target to the node that asked is counted as InvalidGeneveTunnel and dropped",
    transparent=False,
)
def outer_addresses(lab: Lab) -> str:
    _, found = _one(lab)
    wanted = (lab.appliance.address, lab.place.nodes[0])
    if (found.source, found.destination) != wanted:
        raise Failed(f"came back {found.source} → {found.destination} instead of {wanted[0]} → {wanted[1]}")
    return f"{found.source} → {found.destination}"


@check(
    Level.REQUIRED,
    "The return goes to port 6081",
    why="ports are not swapped: a return to the port that it came from reaches no tunnel",
    transparent=False,
)
def outer_destination_port(lab: Lab) -> str:
    shot, found = _one(lab)
    if found.destination_port != 6081:
        swapped = ": source and destination port were swapped" if found.destination_port == shot.source_port else ""
        raise Failed(f"came back to port {found.destination_port}{swapped}")
    return "to port 6081"


@check(
    Level.RECOMMENDED,
    "The outer source port is the one that it came with",
    why="it carries the flow's hash; what is between here and the load balancer spreads load by it",
    transparent=False,
)
def outer_source_port(lab: Lab) -> str:
    shot, found = _one(lab)
    if found.source_port != shot.source_port:
        raise Failed(f"sent with source port {shot.source_port}, came back with {found.source_port}")
    return f"source port {found.source_port} both ways"


@check(
    Level.REQUIRED,
    "The outer packet is whole, and its lengths agree",
    why="the load balancer does not put fragments together and drops what is not as long as it says",
    transparent=False,
)
def outer_lengths(lab: Lab) -> str:
    talk = lab.fresh()
    for size in (24, 1400, 4000):
        shot = talk.data(size=size)
        found = the_return(shot, lab.exchange([shot])[0])
        if found.fragment:
            raise Failed(f"{len(shot.inner)} inner bytes came back in outer fragments")
        if not found.lengths_agree:
            raise Failed(f"{len(shot.inner)} inner bytes came back with IP and UDP lengths that do not agree")
    return "3 sizes, each whole"


@check(
    Level.REQUIRED,
    "The outer UDP checksum is zero or right",
    why="a wrong one is dropped by the first network card that looks",
    transparent=False,
)
def outer_checksum(lab: Lab) -> str:
    _, found = _one(lab)
    if not found.checksum_right:
        raise Failed("came back with a UDP checksum that is neither zero nor right")
    return "zero or right"


@check(
    Level.REQUIRED,
    "Packets without an outer UDP checksum are taken",
    why="a load balancer may send zero (RFC 8926, section 3.3)",
    transparent=False,
)
def checksum_zero(lab: Lab) -> str:
    shot = lab.fresh().data(summed=False)
    the_return(shot, lab.exchange([shot])[0])
    return "returned"


@check(
    Level.REQUIRED,
    "Packets with an outer UDP checksum are taken",
    why="a load balancer may fill it in, and then it has to be right on the way back as well",
    transparent=False,
)
def checksum_full(lab: Lab) -> str:
    shot = lab.fresh().data(summed=True)
    found = the_return(shot, lab.exchange([shot])[0])
    if not found.checksum_right:
        raise Failed("came back with a UDP checksum that is neither zero nor right")
    return "returned"


@check(
    Level.REQUIRED,
    "Each packet comes back once",
    why="doubled packets make TCP believe in loss and cost twice the bandwidth",
    transparent=False,
)
def returned_once(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data() for _ in range(16)]
    counts = [len(found) for found in lab.quietly(shots)]
    if min(counts) == 0:
        raise NotReturned(f"{counts.count(0)} of 16 packets did not come back")
    if max(counts) > 1:
        raise Failed(f"of 16 packets {sum(1 for count in counts if count > 1)} came back more than once")
    return "16 of 16 once"


@check(
    Level.REQUIRED,
    "An unknown option is skipped and comes back",
    why="an endpoint must ignore options that it does not know (RFC 8926, section 3.5); AWS may add one any day",
    transparent=False,
)
def unknown_option(lab: Lab) -> str:
    talk = lab.fresh()
    unknown = Option(OTHER_CLASS, 7, b"\x11\x22\x33\x44\x55\x66\x77\x88")
    forms = ((unknown, *talk.flow.options), (*talk.flow.options, unknown))
    _one_by_one(lab, [talk.data(header=packets.geneve(options)) for options in forms])
    return "before and behind the three options"


@check(
    Level.RECOMMENDED,
    "The three options are found in any order",
    why="RFC 8926 gives options no order; whoever reads fixed offsets depends on AWS's habit",
    transparent=False,
)
def options_reordered(lab: Lab) -> str:
    talk = lab.fresh()
    one, two, three = talk.flow.options
    forms = ((three, two, one), (two, three, one))
    _one_by_one(lab, [talk.data(header=packets.geneve(options)) for options in forms])
    return "cookie first, endpoint last"


@check(
    Level.RECOMMENDED,
    "The longest header is taken",
    why="a header may have 252 bytes of options; buffers for forty are too short",
    transparent=False,
)
def longest_header(lab: Lab) -> str:
    talk = lab.fresh()
    filler = (Option(OTHER_CLASS, 1, bytes(124)), Option(OTHER_CLASS, 2, bytes(84)))
    shot = talk.data(header=packets.geneve((*talk.flow.options, *filler)))
    same_headers([shot], [the_return(shot, lab.exchange([shot])[0])])
    return f"{len(shot.header)} bytes came back"


@check(
    Level.RECOMMENDED,
    "Reserved bits are ignored",
    why="they must be ignored on receipt (RFC 8926, section 3.4)",
    transparent=False,
)
def reserved_bits(lab: Lab) -> str:
    talk = lab.fresh()
    shot = talk.data(header=packets.geneve(talk.flow.options, flags=0x3F, reserved=0xFF))
    the_return(shot, lab.exchange([shot])[0])
    return "returned"


@check(
    Level.REQUIRED,
    "A second node gets its own packets back",
    why="each zone has a node; with cross-zone load balancing a target hears them all and answers the one that asked",
    transparent=False,
)
def second_node(lab: Lab) -> str:
    if len(lab.place.nodes) < 2:
        raise NotApplicable("there is only one node to send from")
    shots = [replace(lab.first(), node=at % 2) for at in range(8)]
    for shot, found in zip(shots, every_return(shots, lab.exchange(shots)), strict=True):
        if found.destination != lab.place.nodes[shot.node]:
            raise Failed(f"a packet from node {lab.place.nodes[shot.node]} came back to {found.destination}")
    return "4 flows from each of 2 nodes"


@check(
    Level.RECOMMENDED,
    "A GENEVE version that does not exist yet is dropped",
    why="packets with an unknown version must be dropped (RFC 8926, section 3.4)",
    transparent=False,
)
def unknown_version(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data(header=packets.geneve(talk.flow.options, geneve_version=version)) for version in (1, 3)]
    for found in lab.quietly(shots):
        not_returned("a packet of an unknown version", found)
    return "versions 1 and 3 ended there"


@check(
    Level.RECOMMENDED,
    "A critical option that nobody knows ends the packet",
    why="who does not understand a critical option must drop the packet (RFC 8926, section 3.5)",
    transparent=False,
)
def critical_option(lab: Lab) -> str:
    talk = lab.fresh()
    critical = Option(OTHER_CLASS, 0x80 | 7, b"\0\0\0\0")
    shot = talk.data(header=packets.geneve((*talk.flow.options, critical), flags=0x40))
    not_returned("a packet with an unknown critical option", lab.quietly([shot])[0])
    return "dropped"


@check(
    Level.REQUIRED,
    "Nothing is written into the header's options",
    why="bytes behind the ones that it reads are the load balancer's as well",
    transparent=False,
)
def options_untouched(lab: Lab) -> str:
    talk = lab.fresh()
    data = bytes(lab.dice.getrandbits(8) for _ in range(16))
    shot = talk.data(header=packets.geneve((*talk.flow.options, Option(OTHER_CLASS, 9, data))))
    found = the_return(shot, lab.exchange([shot])[0])
    same_bytes("the header's tail", shot.header[40:], found.data[40 : len(shot.header)])
    return "20 bytes behind the three options came back"
