"""Mirrors of the structs in bpf/shared/layout.h. Names and order are those of the header; `verify` holds them against an object's BTF.

Addresses and ports are bytes in network order, numbers are the machine's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import c_uint8, c_uint16, c_uint32, c_uint64
from typing import Any, ClassVar

from opengwlb.model.topology import PORT_PLACES

from .btf import StructShape
from .errors import LayoutError

PORTS = PORT_PLACES
MAX_NODES = 1024
MAX_TARGETS = 16384
MAGLEV_SIZE = 16381
INSPECTOR_RULES = 32
ENI_SOURCE_DEST_CHECK = 1
ENI_IPV6 = 2
ENI_FLOW_LOG = 64
ENDPOINT_DUALSTACK = 1
FLOW_WAYS = 8
FLOW_VALID = 1
FLOW_BUSY = 2
FLOW_COOKIE_BITS = 32
FLOW_INDEX_BITS_MIN = 16
FLOW_INDEX_BITS_MAX = 23
FLOW_TURNED = 0x01
FLOW_FIN_0 = 0x02
FLOW_FIN_1 = 0x04
FLOW_RST = 0x08
FLOW_TCP = 0x10
FLOW_SHARED = 0x20
FLOW_FAIL_OPEN = 0x40
FLOW_ADOPTED = 0x80
FLOW_MOVED = 0x100
FLOW_ANSWERED = 0x200
FLOW_CLAIMED_SHIFT = 16
TARGET_RESET_UNHEALTHY = 1
TARGET_RESET_DEREGISTERED = 2
TARGET_LEAVING = 4

Address = c_uint8 * 4
Mac = c_uint8 * 6
Port = c_uint8 * 2
Address6 = c_uint8 * 16
Half6 = c_uint8 * 8


class port_verdict(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("ifindex", c_uint32), ("verdict", c_uint32)]


class counter(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("packets", c_uint64), ("bytes", c_uint64)]


class passed_counter(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("ifindex", c_uint32),
        ("verdict", c_uint32),
        ("packets", c_uint64),
        ("bytes", c_uint64),
    ]


SAMPLES = 4
SAMPLE_BYTES = 128


class drop_sample(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("begun", c_uint64),
        ("done", c_uint64),
        ("at_ns", c_uint64),
        ("length", c_uint32),
        ("kept", c_uint32),
        ("head", c_uint8 * SAMPLE_BYTES),
    ]


class drop_samples(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("taken", c_uint64),
        ("last", drop_sample * SAMPLES),
    ]


ENI_GUARDS_4 = 4
ENI_GUARDS_6 = 8
ENI_GUARDS_OTHER = 16
GUARD_CLOSED = 1


class eni_guard(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("vpc", c_uint64),
        ("owner", c_uint32),
        ("groups", c_uint32),
        ("groups_at", c_uint32),
        ("acl", c_uint32),
        ("acl_at", c_uint32),
        ("flags", c_uint32),
        ("tcp_idle_s", c_uint32),
        ("udp_idle_s", c_uint16),
        ("udp_stream_idle_s", c_uint16),
    ]


class eni_config(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("ifindex", c_uint32),
        ("role", c_uint32),
        ("flags", c_uint32),
        ("table", c_uint32),
        ("delivery", c_uint32),
        ("address", Address),
        ("subnet", Address),
        ("mask", Address),
        ("mac", Mac),
        ("peer_mac", Mac),
        ("subnet6", Half6),
        ("resolver", Address),
        ("guard", eni_guard),
    ]


RULE_PAGES = 4
RULE_WORDS = 1 << 19
RULE_VECTOR_WORDS = 16


class rule_table(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("count", c_uint32), ("at", c_uint32)]


class rule_direction(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("services", rule_table),
        ("ipv4", rule_table),
        ("ipv6", rule_table),
        ("classes", rule_table),
        ("everywhere4", c_uint32),
        ("everywhere6", c_uint32),
        ("width", c_uint32),
        ("full", c_uint32),
        ("allow", c_uint32),
        ("pad", c_uint32),
    ]


class group_member(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("vpc", c_uint64), ("address", Address6)]


TRACKED_WAYS = 8
TRACKED_VALID = 1
TRACKED_BUSY = 2
TRACKED_FLOW = 0x01
TRACKED_CONFIRMED = 0x08
TRACKED_STREAM = 0x10
TRACKED_TIME_SHIFT = 27


class tracked_slot(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("tag", c_uint64),
        ("fingerprint", c_uint32),
        ("owner", c_uint32),
        ("until", c_uint32),
        ("state", c_uint32),
        ("groups", c_uint32),
        ("acl", c_uint32),
    ]


class tracked_set(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("slots", tracked_slot * TRACKED_WAYS)]


class eni_address(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("ifindex", c_uint32), ("address", Address)]


class eni_address6(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("ifindex", c_uint32), ("address", Address6)]


class nat_key(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("ifindex", c_uint32), ("address", Address)]


FLOW_LOG_RECORDS = 262144
FLOW_LOG_SHARE = 32768
FLOW_LOG_EGRESS = 1
FLOW_LOG_REJECT = 2


class flow_log_key(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("round", c_uint32),
        ("ifindex", c_uint32),
        ("source", Address6),
        ("destination", Address6),
        ("source_port", Port),
        ("destination_port", Port),
        ("protocol", c_uint8),
        ("family", c_uint8),
        ("what", c_uint8),
        ("pad", c_uint8),
    ]


class flow_log_count(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("packets", c_uint64),
        ("bytes", c_uint64),
        ("first_ns", c_uint64),
        ("last_ns", c_uint64),
        ("tcp_flags", c_uint32),
        ("path", c_uint32),
    ]


class flow_log_port(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("lost", c_uint64), ("round", c_uint32), ("records", c_uint32)]


NODE_ADOPT = 1
NODE_RESET_ON_IDLE = 2
NODE_PMTUD = 4
NODE_NO_MSS_CLAMPING = 8
NODE_FAIL_OPEN = 16


class node_config(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("ifindex", c_uint32),
        ("address", Address),
        ("mac", Mac),
        ("peer_mac", Mac),
        ("tcp_idle_s", c_uint32),
        ("other_idle_s", c_uint32),
        ("targets", c_uint32),
        ("stickiness", c_uint8),
        ("flags", c_uint8),
        ("pad", c_uint16),
    ]


class node_port(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("ifindex", c_uint32), ("slot", c_uint32)]


class node_counter(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("new_flows", c_uint64),
        ("rejected_flows", c_uint64),
        ("rejected_tcp_flows", c_uint64),
        ("adopted_flows", c_uint64),
        ("moved_flows", c_uint64),
    ]


class target_config(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("address", Address), ("generation", c_uint32), ("flags", c_uint32)]


class target_counter(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("given", c_uint64),
        ("returned", c_uint64),
        ("last_given_ns", c_uint64),
        ("last_returned_ns", c_uint64),
        ("awaited", c_uint64),
        ("flows", c_uint64),
        ("answered", c_uint64),
        ("turns", c_uint64),
        ("last_awaited", c_uint64),
        ("refused", c_uint64),
        ("last_refused_ns", c_uint64),
    ]


class endpoint_config(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("endpoint", c_uint64),
        ("ifindex", c_uint32),
        ("node", c_uint32),
        ("flags", c_uint32),
        ("mac", Mac),
        ("peer_mac", Mac),
    ]


class flow_slot(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("tag", c_uint64),
        ("fingerprint", c_uint32),
        ("tuple_sum", c_uint32),
        ("last_seen_ns", c_uint64),
        ("endpoint", c_uint64),
        ("counted", c_uint64 * 2),
        ("target", c_uint16),
        ("port", c_uint16),
        ("target_generation", c_uint32),
        ("generation", c_uint16),
        ("idle_s", c_uint16),
        ("state", c_uint32),
    ]


class flow_set(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("slots", flow_slot * FLOW_WAYS)]


class flow_tuple(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("source", Address6),
        ("destination", Address6),
        ("source_port", Port),
        ("destination_port", Port),
        ("protocol", c_uint8),
        ("family", c_uint8),
        ("former", c_uint16),
        ("created_ns", c_uint64),
        ("packets_high", c_uint32 * 2),
        ("bytes_high", c_uint32 * 2),
    ]


class flow_settings(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("key", c_uint64 * 2),
        ("clock_base_ns", c_uint64),
        ("clock_tick_ns", c_uint32),
        ("set_mask", c_uint32),
        ("new_flows_per_s", c_uint32),
        ("tcp_yields_after_s", c_uint32),
        ("index_bits", c_uint8),
        ("tick_shift", c_uint8),
        ("pad", c_uint16 * 3),
    ]


class chaos_config(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("seed", c_uint64),
        ("until_ns", c_uint64),
        ("met", c_uint64),
        ("done", c_uint64),
        ("kind", c_uint32),
        ("share", c_uint32),
    ]


class chaos_relay(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("beat_ns", c_uint64),
        ("delay_ms", c_uint32),
        ("pid", c_uint32),
    ]


class inspector_rule(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("source", Address6),
        ("source_mask", Address6),
        ("destination", Address6),
        ("destination_mask", Address6),
        ("from_port", c_uint16),
        ("to_port", c_uint16),
        ("family", c_uint8),
        ("protocol", c_uint8),
        ("deny", c_uint8),
        ("used", c_uint8),
    ]


class inspector_policy(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [("rules", inspector_rule * INSPECTOR_RULES)]


MIRRORS: tuple[type[ctypes.Structure], ...] = (
    *(drop_sample, drop_samples, chaos_config, chaos_relay),
    *(eni_guard, group_member, tracked_slot, tracked_set),
    *(flow_log_key, flow_log_count, flow_log_port),
    *(
        port_verdict,
        counter,
        passed_counter,
        eni_config,
        eni_address,
        nat_key,
        node_config,
        node_port,
        node_counter,
        target_config,
        target_counter,
        endpoint_config,
    ),
    *(eni_address6, flow_slot, flow_set, flow_tuple, flow_settings, inspector_rule, inspector_policy),
)


def shape(mirror: type[ctypes.Structure]) -> StructShape:
    """Size and offsets of a mirror, in bytes."""
    names = [name for name, *_ in mirror._fields_]
    return StructShape(size=ctypes.sizeof(mirror), offsets={name: getattr(mirror, name).offset for name in names})


def verify(structs: Mapping[str, StructShape], *, where: str) -> set[str]:
    """Compares every mirror that an object uses with the object's own layout; answers their names. `LayoutError` on a difference."""
    seen = set()
    for mirror in MIRRORS:
        theirs = structs.get(mirror.__name__)
        if theirs is None:
            continue
        if theirs != shape(mirror):
            raise LayoutError(
                f"struct {mirror.__name__} is {theirs} in {where} but {shape(mirror)} here: rebuild with make -C bpf"
            )
        seen.add(mirror.__name__)
    return seen
