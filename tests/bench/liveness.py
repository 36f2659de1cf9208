"""How long a box takes to answer a peer that asks whether it lives.

The peer's last protected IKEv2 request is taken from the wire in its namespace and sent again and
again: the box verifies it and answers as it did (RFC 7296 §2.1), which is what a liveness check
costs it. What is not answered within PATIENCE counts as so long.
"""
import select
import socket
import struct
import time

import network
from ask import ask
from echo import Waits
from harness import check

ETH, UDP, IKE_PORT, RESPONSE, SA_INIT = 14, 17, 500, 0x20, 34
PATIENCE = 5


def ike_of(frame):
    """The IKE message of an Ethernet frame that needs an SA, or None."""
    if len(frame) < ETH + 20 or frame[12:14] != b"\x08\x00" or frame[ETH + 9] != UDP:
        return None
    at = ETH + (frame[ETH] & 15) * 4
    if len(frame) < at + 8 + 28 or IKE_PORT not in struct.unpack_from("!HH", frame, at):
        return None
    m = frame[at + 8:]
    return m if m[17] >> 4 == 2 and m[18] != SA_INIT else None


def without_checksum(frame):
    """As it is taken from the wire nobody has computed the one of UDP yet; 0 is none (RFC 768)."""
    at = ETH + (frame[ETH] & 15) * 4 + 6
    return frame[:at] + b"\0\0" + frame[at + 2:]


class Wire:
    def __init__(self):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.frame = self.port = self.wanted = None

    def answered(self, seconds):
        """Takes what comes within some time until it is the answer to the last request."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.s], [], [], left)[0]:
                return False
            frame, where = self.s.recvfrom(65536)
            m = ike_of(frame)
            if not m:
                continue
            sa_and_number, response = (m[:16], m[20:24]), bool(m[19] & RESPONSE)
            if where[2] == socket.PACKET_OUTGOING and not response:
                self.frame, self.port = without_checksum(frame), where[0]
                self.wanted = sa_and_number
            elif where[2] != socket.PACKET_OUTGOING and response and sa_and_number == self.wanted:
                return True
        return False

    def ask(self):
        self.s.sendto(self.frame, (self.port, 0))
        self.answered(PATIENCE)


def liveness(box, asks):
    """The box whose wire it is makes the tunnel of these asks first."""
    def make():
        network.enter(box.ns)
        w = Wire()
        for _ in range(30):
            ask(asks)
            if w.answered(2):
                return w.ask, w.s.close
        check(False, f"{box.name} has no tunnel")
    return Waits(make)
