"""What an appliance remembers of flows, and must not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from .. import packets
from ..conversation import Conversation
from ..judgement import Failed, NotReturned, every_return, same_headers, the_return
from ..lab import Lab
from ..packets import ACK, PSH, SYN
from ..registry import Level, check
from ..shots import read_udp, to_tunnel


def again(lab: Lab, talk: Conversation, **changes: object) -> Conversation:
    """The same addresses and ports as a flow of their own: other cookie, other outer port."""
    flow = replace(
        talk.flow,
        cookie=talk.flow.cookie ^ 0x5A5A5A5A,
        source_port=lab.dice.randrange(32768, 65536),
        **changes,  # type: ignore[arg-type]
    )
    return Conversation(flow, protocol=talk.protocol, dice=lab.dice)


@check(
    Level.REQUIRED,
    "A tuple that is used again comes back under its new cookie",
    why="a cookie that was remembered by address and port is stale when the flow ended; AWS drops it (0.15 % of packets, once)",
    transparent=False,
)
def cookie_refreshed(lab: Lab) -> str:
    first = lab.fresh()
    shot = first.data()
    the_return(shot, lab.exchange([shot])[0])
    second = lab.opened(again(lab, first))
    shots = [second.data(), second.data(back=True)]
    returns = every_return(shots, lab.exchange(shots))
    for found in returns:
        if found.data[: len(first.flow.header)] == first.flow.header:
            raise Failed("the first flow's header came back for the second one: its cookie was remembered")
    same_headers(shots, returns)
    return "both directions under the new cookie"


@check(
    Level.RECOMMENDED,
    "A new cookie that the server's packet brings is used at once",
    why="a flow may meet the appliance in either direction first, as after a failover",
    traffic="midstream",
    transparent=False,
)
def cookie_refreshed_by_server(lab: Lab) -> str:
    first = lab.fresh()
    second = again(lab, first)
    shots = [
        second.data(back=True) if second.protocol == packets.UDP else second.tcp(PSH | ACK, back=True, size=40),
        second.data(),
    ]
    for shot in shots:
        found = the_return(shot, lab.exchange([shot])[0])
        same_headers([shot], [found])
    return "server's packet first, then the client's"


@check(
    Level.REQUIRED,
    "Equal addresses behind two endpoints stay two flows",
    why="customers use the same private networks; only the endpoint in the header tells them apart",
    transparent=False,
)
def endpoints_apart(lab: Lab) -> str:
    one = lab.fresh()
    other = lab.opened(again(lab, one, endpoint=next(each for each in lab.endpoints if each != one.flow.endpoint)))
    shots = [(one, other)[at % 2].data(back=at % 4 > 1) for at in range(16)]
    same_headers(shots, every_return(shots, lab.exchange(shots)))
    return "16 packets in turn, each to its own"


@check(
    Level.REQUIRED,
    "The same packet twice comes back twice",
    why="a retransmission is the same packet; swallowing it stops the connection",
    transparent=False,
)
def retransmission(lab: Lab) -> str:
    talk = lab.fresh()
    shot = talk.data()
    for time in ("first", "second"):
        if not lab.exchange([shot])[0]:
            raise NotReturned(f"the {time} of two equal packets did not come back")
    return "both came back"


@check(
    Level.RECOMMENDED,
    "A flow's packets stay in order",
    why="TCP takes disorder for loss",
    transparent=False,
)
def in_order(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data() for _ in range(64)]
    every_return(shots, lab.exchange(shots))
    # Against the order in which they came to it: on the way there the machine may have mixed them.
    went, came = (
        [
            at
            for frame in lab.frames
            if frame.incoming is way
            for at, shot in enumerate(shots)
            if shot.mark in frame.data
        ]
        for way in (lab.place.at_appliance, not lab.place.at_appliance)
    )
    place = {at: number for number, at in enumerate(went)}
    late = sum(1 for one, two in pairwise(came) if place[two] < place[one])
    if late:
        raise Failed(f"of 64 packets {late} came back before the one that came in earlier")
    return "64 in order"


@check(
    Level.REQUIRED,
    "Flows of every outer source port pass",
    why="the source port spreads flows over queues and loops: one that nobody reads loses its share of all flows",
    transparent=False,
)
def source_port_spread(lab: Lab) -> str:
    talks = []
    for at in range(64):
        talk = lab.conversation()
        talks.append(
            Conversation(replace(talk.flow, source_port=1024 + at * 1007), protocol=talk.protocol, dice=lab.dice)
        )
    shots = [talk.tcp(SYN) if talk.protocol == packets.TCP else talk.data() for talk in talks]
    returns = every_return(shots, lab.exchange(shots), what="flows")
    same_headers(shots, returns)
    return "64 ports from 1024 to 64465"


@check(
    Level.REQUIRED,
    "Many flows at once keep their own headers",
    why="state that mixes flows shows up when there are many",
    transparent=False,
)
def many_flows(lab: Lab) -> str:
    talks = [lab.conversation() for _ in range(lab.sizes.many_flows)]
    for step in range(2):
        shots = []
        for talk in talks:
            if talk.protocol == packets.TCP:
                shots.append(talk.tcp(SYN) if step == 0 else talk.tcp(SYN | ACK, back=True))
            else:
                shots.append(talk.data(back=step == 1))
        same_headers(shots, every_return(shots, lab.exchange(shots)))
    return f"{len(talks)} flows, 2 packets each"


@check(
    Level.RECOMMENDED,
    "A flow of which only one direction is seen passes",
    why="syslog and the like are never answered, and routing may take the answers elsewhere",
    traffic="one-way",
    transparent=False,
)
def one_way(lab: Lab) -> str:
    talk = lab.conversation(protocol=packets.UDP)
    shots = [talk.data() for _ in range(50)]
    every_return(shots, lab.exchange(shots))
    return "50 of 50 unanswered datagrams"


@check(
    Level.INFORMATIONAL,
    "A TCP flow that began elsewhere passes",
    why="when another target fails its flows come here in the middle; a firewall may want to see the SYN",
    traffic="midstream",
    transparent=False,
)
def midstream(lab: Lab) -> str:
    talk = lab.conversation(protocol=packets.TCP)
    shots = [talk.tcp(PSH | ACK, size=40), talk.tcp(PSH | ACK, back=True, size=40)]
    for shot in shots:
        the_return(shot, lab.exchange([shot])[0])
    return "both directions without a handshake"


@check(
    Level.REQUIRED,
    "Nothing of its own goes into the tunnel",
    why="an appliance cannot open a flow through a load balancer: there is no cookie for it, and the packet is dropped",
    transparent=False,
    returns=False,
)
def no_packets_of_its_own(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data(back=bool(at % 2)) for at in range(4)]
    lab.exchange(shots)
    lab.watch(lambda _frame, _seen: False, seconds=lab.sizes.quiet_s)
    strange: list[str] = []
    known = {shot.header for shot in lab.sent}
    marks = {shot.mark for shot in lab.sent}
    for frame in lab.frames:
        found = read_udp(frame.data) if frame.incoming is not lab.place.at_appliance else None
        if found is None or not to_tunnel(found):
            continue
        if not any(found.data.startswith(header) for header in known):
            strange.append("under a header that nobody sent")
        elif not any(mark in found.data for mark in marks):
            strange.append("with an inner packet that nobody sent")
    if strange:
        raise Failed(f"{len(strange)} packets came {strange[0]}")
    return f"{lab.sizes.quiet_s:g} s of silence after 4 packets"


@check(
    Level.REQUIRED,
    "Full tables stop neither old flows nor new ones",
    why="a flood of new flows is the ordinary attack; what is established must survive it",
    transparent=False,
)
def table_exhaustion(lab: Lab) -> str:
    old = lab.fresh()
    count, lost = lab.sizes.exhausting_flows, 0
    for start in range(0, count, 512):
        shots = [lab.first() for _ in range(min(512, count - start))]
        lost += sum(1 for found in lab.exchange(shots, wait_s=1.0) if not found)
        lab.sent.clear()
        if lost > 2048:
            break  # it refuses: the rest would be waiting
    shot = old.data(back=True)
    if not lab.exchange([shot])[0]:
        raise NotReturned(f"after {count} new flows the old one no longer passed")
    lab.alive()
    refused = f", {lost} of them were refused" if lost else ""
    return f"{count} new flows{refused}; the old one and a new one passed"
