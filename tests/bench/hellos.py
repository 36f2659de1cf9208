"""How far the send times of HSRP hellos are from where they should be, from a capture. The kernel stamps
each hello where it leaves; a hello's jitter is the difference between its interval and the configured one."""
import ctypes
import os
import socket
import struct
import threading

import capture

SO_ATTACH_FILTER, SO_TIMESTAMPNS = 26, 35
HELLO = 0.1  # seconds, as configured


def hears_hellos(sock):
    """Nothing but hellos waits in the socket: of a flood it could not keep all."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x20, 0, 0, 0), (0x15, 0, 5, 0x01005e00),  # to 01:00:5e:00:
        (0x28, 0, 0, 4), (0x15, 0, 3, 2),           # 00:02
        (0x28, 0, 0, 36), (0x15, 0, 1, 1985),       # from IPv4 without options, UDP to 1985
        (0x06, 0, 0, 65535), (0x06, 0, 0, 0)))
    room = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HL", len(code) // 8, ctypes.addressof(room)))


class Hellos:
    """Times at which the kernel saw hellos while the block ran."""

    def __init__(self, lab, box, port):
        with open(os.path.join(lab.dir, box, "ports")) as f:
            device = dict(line.split()[:2] for line in f if line.strip())[port]
        self.sock = capture.open_socket(lab.ns(box), device)
        hears_hellos(self.sock)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.settimeout(0.2)
        self.times, self.stop = [], threading.Event()

    def _read(self):
        while not self.stop.is_set():
            try:
                frame, control, _, _ = self.sock.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if frame[:6] == b"\x01\0\x5e\0\0\x02" and frame[36:38] == struct.pack("!H", 1985):
                self.times += [s + ns / 1e9 for _, kind, data in control
                               if kind == SO_TIMESTAMPNS for s, ns in [struct.unpack("qq", data)]]

    def __enter__(self):
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()
        self.sock.close()


def jitter(times):
    """Median, 99th and 99.9th percentile and worst, in milliseconds, and how many; None: no hellos."""
    off = sorted(abs(b - a - HELLO) * 1000 for a, b in zip(times, times[1:]))
    if not off:
        return None
    return [off[min(len(off) - 1, int(len(off) * q))] for q in (0.5, 0.99, 0.999)] + [off[-1], len(off)]
