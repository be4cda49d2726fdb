'''What the author of an appliance imports: GENEVE, a packet loop, a health responder. Standard library only, Python
3.11 or newer.

A whole firewall, which drops Telnet and returns everything else:

    from opengwlb_appliance import TCP, Packet, Verdict, serve

    TELNET = 23


    def inspect(packet: Packet) -> Verdict:
        """Asked once per flow and direction, because both answers are for the flow."""
        inner = packet.inner
        if inner.protocol == TCP and TELNET in (inner.source_port, inner.destination_port):
            print(f"dropped telnet from {inner.source} through {packet.header.endpoint_id}", flush=True)
            return Verdict.DROP_FLOW
        return Verdict.RETURN_FLOW


    if __name__ == "__main__":
        serve(inspect, workers=1, health_port=80)
'''

from .geneve import GeneveError, Header, decode, encode
from .health import serve_failure
from .inner import ACK, FIN, ICMP, ICMPV6, PSH, RST, SYN, TCP, UDP, Inner, InnerError
from .loop import Packet, Verdict
from .managed import Managed
from .service import serve, serve_managed

__all__ = [
    "ACK",
    "FIN",
    "ICMP",
    "ICMPV6",
    "PSH",
    "RST",
    "SYN",
    "TCP",
    "UDP",
    "GeneveError",
    "Header",
    "Inner",
    "InnerError",
    "Managed",
    "Packet",
    "Verdict",
    "decode",
    "encode",
    "serve",
    "serve_failure",
    "serve_managed",
]
