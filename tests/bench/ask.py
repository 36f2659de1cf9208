#!/usr/bin/python3 -B
"""Lines of source and destination come in, a UDP packet for each goes out, whoever owns the source."""
import socket
import struct
import sys

IP_TRANSPARENT, IP_PKTINFO = 19, 8


def ask(pairs):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
        for source, to in pairs:
            info = struct.pack("=i4s4s", 0, socket.inet_aton(source), b"\0\0\0\0")
            s.sendmsg([b"x"], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, (to, 9))


if __name__ == "__main__":
    ask(line.split() for line in sys.stdin)
