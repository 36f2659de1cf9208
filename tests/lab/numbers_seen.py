"""Sequence numbers of ESP on a link of a lab: none may be seen twice under one SPI, whoever sends it
(RFC 4303 §3.3.3). With AES-GCM a number is the nonce, and twice the same one is the end of the key."""
import ctypes
import socket
import struct
import threading

import capture
import network

SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
PACKET_STATISTICS = 6
BLOCK = 4096  # numbers that share one mask


def hears_esp(sock):
    """Nothing but ESP in IPv4 without options waits in the socket."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x28, 0, 0, 12), (0x15, 0, 3, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 1, 50),
        (0x06, 0, 0, 64), (0x06, 0, 0, 0)))
    room = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HL", len(code) // 8, ctypes.addressof(room)))


class NumbersSeen:
    """`with NumbersSeen(lab, link) as n:` - then n.packets, n.missed (the capture was too slow for so
    many), n.spis and n.twice: (SPI, number) of what came again."""

    def __init__(self, lab, link):
        index = list(lab.topo.links).index(lab.link(link))
        self.sock = capture.open_socket(network.ns_name(lab.name), network.bridge(index))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        hears_esp(self.sock)
        self.sock.settimeout(0.2)
        self.packets = self.missed = 0
        self.twice, self._seen, self._stop = [], {}, threading.Event()
        self._thread = threading.Thread(target=self._read)

    @property
    def spis(self):
        return len({spi for spi, _ in self._seen})

    def _note(self, frame):
        spi, number = struct.unpack_from("!II", frame, 34)
        key, bit = (spi, number // BLOCK), 1 << number % BLOCK
        mask = self._seen.get(key, 0)
        if mask & bit:
            self.twice.append((spi, number))
        self._seen[key] = mask | bit
        self.packets += 1

    def _read(self):
        frame = bytearray(64)
        while True:
            try:
                self.sock.recv_into(frame)
            except TimeoutError:
                if self._stop.is_set():
                    return
                continue
            self._note(frame)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join()
        _, self.missed = struct.unpack("II", self.sock.getsockopt(263, PACKET_STATISTICS, 8))
        self.sock.close()
