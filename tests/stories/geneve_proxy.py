"""An appliance written only from section 1 of AWS's wire format: it shares no code with the project.

Receives GENEVE on UDP 6081, checks the three options, and sends the same datagram back with outer addresses swapped, the
source port as received and a zero checksum. Answers health checks on TCP 80.
"""

import http.server
import socket
import struct
import threading


def options(geneve):
    """type -> data of every option of Amazon's class."""
    found, at, end = {}, 8, 8 + (geneve[0] & 0x3F) * 4
    while at < end:
        option_class, kind, words = struct.unpack_from("!HBB", geneve, at)
        size = (words & 0x1F) * 4
        if option_class == 0x0108:
            found[kind] = geneve[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def serve():
    receive = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    receive.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    send = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    while True:
        packet = receive.recv(65535)
        ihl = (packet[0] & 15) * 4
        source_port, port, length, _ = struct.unpack_from("!HHHH", packet, ihl)
        geneve = packet[ihl + 8 : ihl + length]
        if port != 6081 or geneve[0] >> 6 != 0 or geneve[2:4] not in (b"\x08\x00", b"\x86\xdd"):
            continue
        found = options(geneve)
        if [len(found.get(kind, b"")) for kind in (1, 2, 3)] != [8, 8, 4]:
            continue
        mine, theirs = packet[16:20], packet[12:16]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(geneve), 0, 0, 2, 17, 0, mine, theirs)
        udp = struct.pack("!HHHH", source_port, 6081, 8 + len(geneve), 0)
        send.sendto(ip + udp + geneve, (socket.inet_ntoa(theirs), 0))


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


# A UDP socket that nobody reads keeps the kernel from answering "port unreachable".
quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
quiet.bind(("", 6081))
threading.Thread(target=http.server.ThreadingHTTPServer(("", 80), Health).serve_forever, daemon=True).start()
serve()
