"""IKE messages that pass a namespace."""
import ctypes
import socket
import struct
import threading

import network

SO_ATTACH_FILTER = 26
ETH_P_ALL, OUTGOING = 3, 4
# UDP in IPv4 without options, from or to port 500
FILTER = ((0x28, 0, 0, 12), (0x15, 0, 7, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 5, 17),
          (0x28, 0, 0, 34), (0x15, 2, 0, 500), (0x28, 0, 0, 36), (0x15, 0, 1, 500),
          (0x06, 0, 0, 64), (0x06, 0, 0, 0))


class IkeHeard:
    """`with IkeHeard(ns) as h:` - then h.seen: (from, to, exchange type) of what came in by any port of
    that namespace."""

    def __init__(self, ns):
        t = threading.Thread(target=self._open, args=(ns,))  # only a thread changes its namespace
        t.start()
        t.join()

    def _open(self, ns):
        network.enter(ns)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        code = b"".join(struct.pack("HBBI", *i) for i in FILTER)
        room = ctypes.create_string_buffer(code)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HL", len(FILTER), ctypes.addressof(room)))
        self.sock.setblocking(False)
        try:
            while True:  # what came before the filter
                self.sock.recv(64)
        except BlockingIOError:
            pass

    def __enter__(self):
        self.seen = []
        return self

    def __exit__(self, *exc):
        with self.sock as s:
            while True:
                try:
                    frame, where = s.recvfrom(64)
                    if where[2] != OUTGOING:
                        self.seen.append((socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]),
                                          frame[42 + 18]))
                except BlockingIOError:
                    return
