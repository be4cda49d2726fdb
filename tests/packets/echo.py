"""The smallest appliance of user space: returns every GENEVE datagram as it came. Run in a box: `python echo.py`."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tunnel:
    tunnel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    tunnel.bind(("", 6081))
    while True:
        data, (node, _) = tunnel.recvfrom(65535)
        tunnel.sendto(data, (node, 6081))
