"""Writes what passes a link of a lab to a pcap file: a packet socket on the link's bridge.

The socket is open and counting before capture() returns control to the caller's block, so a
test never waits for a sniffer to come up.
"""
import select
import socket
import struct
import threading
import time

import network

ETH_P_ALL = 3
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1


def open_socket(ns, dev):
    """A packet socket bound to dev in namespace ns. Only a helper thread changes namespace."""
    result = []

    def work():
        try:
            network.enter(ns)
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            s.bind((dev, ETH_P_ALL))
            index = socket.if_nametoindex(dev)
            s.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                         struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b""))
            result.append(s)
        except OSError as e:
            result.append(e)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def write(sock, path, stop, limit=0):
    """Copies frames to a pcap file until the stop event is set, or `limit` frames came."""
    count, last = 0, None
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        while not (limit and count >= limit):
            if stop.is_set() and last is None:
                last = time.monotonic() + 1  # what had come by then is still read
            if last and time.monotonic() > last:
                break
            if not select.select([sock], [], [], 0.05)[0]:
                f.flush()
                if stop.is_set():
                    break
                continue
            frame = sock.recv(65535)
            now = time.time()
            f.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)))
            f.write(frame)
            count += 1
    return count


class Capture:
    """`with Capture(ns, dev, path):` — captures while the block runs."""

    def __init__(self, ns, dev, path):
        self.sock, self.path, self.stop = open_socket(ns, dev), path, threading.Event()
        self.thread = threading.Thread(target=write, args=(self.sock, path, self.stop))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()
        self.sock.close()
