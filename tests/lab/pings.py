#!/usr/bin/python3 -B
"""Pings that are counted exactly: just as many as asked for are sent, and every answer counts that
comes within `wait` seconds after the last of them. ping(8) does not do: once it has heard anything
it waits for the last answer no longer than its interval or two round trips, which a busy machine
needs to schedule one process.

    pings.py ADDRESS COUNT INTERVAL SIZE WAIT

sends until its standard input ends, and COUNT after that. It prints "under way" when the first were
answered, and at last what came of all.
"""
import ipaddress
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import network

ICMP4, ICMP6 = (8, 0), (128, 129)  # echo request and reply
SO_RCVBUFFORCE = 33
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
UNDER_WAY = 50  # answers


def checksum(data):
    """RFC 1071; zeros at an odd end change nothing."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Echo:
    """A raw socket for echo requests of one kind to one address. df: they may not be cut."""

    def __init__(self, address, size, source="", df=False):
        self.v6 = ipaddress.ip_address(address).version == 6
        self.address = address
        self.request, self.reply = ICMP6 if self.v6 else ICMP4
        self.token = os.urandom(8)  # another one's pings are not ours
        self.fill = self.token + bytes(max(0, size - len(self.token)))
        self.sock = socket.socket(*((socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
                                    if self.v6 else
                                    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        if df:
            self.sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        if source:
            self.sock.bind((source, 0))
        self.sock.setblocking(False)

    def send(self, seq):
        """What cannot be sent is not answered, either."""
        head = struct.pack("!BBHHH", self.request, 0, 0, 0, seq & 0xffff)
        if not self.v6:  # the kernel does it for ICMPv6
            head = head[:2] + struct.pack("!H", checksum(head + self.fill)) + head[4:]
        try:
            self.sock.sendto(head + self.fill, (self.address, 0))
        except OSError:
            pass

    def receive(self):
        """The sequence numbers (modulo 65536) of the answers that are there."""
        while True:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error for one of ours
            icmp = data if self.v6 else data[(data[0] & 15) * 4:]
            if icmp[0] == self.reply and icmp[8:16] == self.token:
                yield struct.unpack("!H", icmp[6:8])[0]


def echo(address, count, interval, size, wait, before=None, **kw):
    """Sends pings while before(answered so far) says so, and `count` after that. Returns how many
    were sent, and the times at which they were answered, by number. kw: see Echo."""
    link, at, sent, last = Echo(address, size, **kw), {}, 0, count
    due = time.monotonic()
    with link.sock:
        while sent < last or len(at) < sent:
            now = time.monotonic()
            if now >= due:
                if sent == last:
                    break
                link.send(sent)
                sent += 1
                if before and before(len(at)):
                    last = sent + count
                else:
                    before = None
                # what was missed is not made up for in a burst
                due = max(due + interval, now) if sent < last else now + wait
            if select.select([link.sock], [], [], max(0, due - time.monotonic()))[0]:
                now = time.monotonic()
                for seq in link.receive():
                    at.setdefault(seq + (sent - 1 - seq) // 65536 * 65536, now)
    return sent, at


def in_namespace(ns, *args, **kw):
    """How many of echo()'s pings were answered. It has a thread of its own, as only a thread may change its namespace."""
    result = []

    def work():
        try:
            network.enter(ns)
            result.append(len(echo(*args, **kw)[1]))
        except OSError as e:
            result.append(e)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


class Flow:
    """`with Flow(ns, address, …) as f:` - pings all the time that the block runs, and `count` after
    it; then f.sent, f.received and f.gap, the longest time in seconds without an answer."""

    def __init__(self, ns, address, count, interval, size=56, wait=60):
        self.argv = ["ip", "netns", "exec", ns, sys.executable, "-B", __file__, address, str(count),
                     str(interval), str(size), str(wait)]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "under way\n":
            raise AssertionError("no pings under way")
        return self

    def __exit__(self, *exc):
        out = self.process.communicate(timeout=600)[0]
        sent, received, gap = re.search(r"(\d+) sent, (\d+) answered, longest gap (\S+)", out).groups()
        self.sent, self.received, self.gap = int(sent), int(received), float(gap)


def main():
    address, count, interval, size, wait = sys.argv[1:]
    said = []

    def before(answered):
        if answered >= UNDER_WAY and not said:
            said.append(print("under way", flush=True))
        return not select.select([sys.stdin], [], [], 0)[0]

    sent, answered = echo(address, int(count), float(interval), int(size), float(wait), before)
    at = sorted(answered.values())
    gap = max((b - a for a, b in zip(at, at[1:])), default=0)
    print(f"{sent} sent, {len(at)} answered, longest gap {gap:.6f}", flush=True)


if __name__ == "__main__":
    main()
