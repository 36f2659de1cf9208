"""Sequence numbers of ESP on a link of a lab: none may be seen twice under one SPI, whoever sends it
(RFC 4303 §3.3.3). With AES-GCM a number is the nonce, and twice the same one is the end of the key.
And what is said in IKE on that link."""
import collections
import ctypes
import socket
import struct
import threading

import capture
import network

SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
PACKET_STATISTICS = 6
BLOCK = 4096  # numbers that share one mask
PROTOCOL = {"esp": 50, "udp": 17}
ENOUGH = 96  # bytes of a frame


def hears(sock, protocol):
    """Nothing but this protocol in IPv4 without options waits in the socket."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x28, 0, 0, 12), (0x15, 0, 3, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 1, PROTOCOL[protocol]),
        (0x06, 0, 0, ENOUGH), (0x06, 0, 0, 0)))
    room = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HL", len(code) // 8, ctypes.addressof(room)))


class Heard:
    """`with …(lab, link) as n:` - the beginning of each frame goes to _note(); n.missed: the capture was
    too slow for so many."""
    protocol = "esp"

    def __init__(self, lab, link):
        index = list(lab.topo.links).index(lab.link(link))
        self.sock = capture.open_socket(network.ns_name(lab.name), network.bridge(index))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        hears(self.sock, self.protocol)
        self.sock.settimeout(0.2)
        self.packets = self.missed = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self):
        frame = bytearray(ENOUGH)
        while True:
            if self._stop.is_set():
                self.sock.settimeout(0)  # only what waits already
            try:
                n = self.sock.recv_into(frame)
            except TimeoutError:
                continue
            except BlockingIOError:
                return
            self.packets += 1
            self._note(frame, n)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join()
        _, self.missed = struct.unpack("II", self.sock.getsockopt(263, PACKET_STATISTICS, 8))
        self.sock.close()


class NumbersSeen(Heard):
    """Then n.packets, n.spis and n.twice: (SPI, number) of what came again."""

    def __init__(self, lab, link):
        super().__init__(lab, link)
        self.twice, self._seen = [], {}

    @property
    def spis(self):
        return len({spi for spi, _ in self._seen})

    def _note(self, frame, n):
        spi, number = struct.unpack_from("!II", frame, 34)
        key, bit = (spi, number // BLOCK), 1 << number % BLOCK
        mask = self._seen.get(key, 0)
        if mask & bit:
            self.twice.append((spi, number))
        self._seen[key] = mask | bit


class IkeSeen(Heard):
    """Messages of IKE by the name of their exchange, in n.exchanges, and the initiators' SPIs in n.spis."""
    protocol = "udp"
    NAMES = {2: "main mode", 4: "aggressive mode", 5: "notify/delete", 6: "transaction",
             32: "quick mode", 34: "IKE_SA_INIT", 35: "IKE_AUTH", 36: "CREATE_CHILD_SA",
             37: "INFORMATIONAL", 43: "INTERMEDIATE"}
    FIRST = ("main mode", "aggressive mode", "IKE_SA_INIT", "IKE_AUTH")  # of a new SA

    def __init__(self, lab, link):
        super().__init__(lab, link)
        self.exchanges, self.spis = collections.Counter(), set()

    def begun(self):
        """Messages that belong to a new IKE SA."""
        return sum(self.exchanges[name] for name in self.FIRST)

    def _note(self, frame, n):
        ports = struct.unpack_from("!HH", frame, 34)
        marker = 4500 in ports and frame[42:46] == b"\0\0\0\0"  # RFC 3948 §2.2
        at = 46 if marker else 42
        if n > at + 18 and (marker or 500 in ports):
            self.spis.add(bytes(frame[at:at + 8]))
            self.exchanges[self.NAMES.get(frame[at + 18], str(frame[at + 18]))] += 1
