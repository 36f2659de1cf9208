"""A host whose IPsec is scapy's: it opens what comes in ESP or AH and answers pings in it.

    ipsec_peer.py DEVICE MAC LOCAL REMOTE tunnel|transport gcm|cbc|ah|bundle HOST OTHER-HOST

Stands for an esp_node with SPI-IN 0x2002 and SPI-OUT 0x1001, and for HOST behind it. Prints "ready"
when it listens. Each line on standard input gets one line as its answer:
    ping SIZE [options]    an echo request, by IPv4 with IP options, by IPv6 with hop-by-hop ones;
                           "answered" or "lost"
    udp                    the next datagram's data in hex, "with" or "without" extension headers
    stats                  "opened N bad N clear N"
"""
import select
import socket
import sys

from scapy.layers.inet import ICMP, IP, UDP, IPOption, defragment, fragment
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, RouterAlert, defragment6,
                                fragment6)
from scapy.layers.ipsec import AH, ESP
from scapy.packet import Raw, raw

from esp_scapy import Suite

MTU, WAIT, TO_US = 1500, 20, 0
# esp_node's suites, as esp_scapy has them
ESPS = {"gcm": ("AES-GCM", 20, 36, "NULL", 0, 0), "cbc": ("AES-CBC", 12, 32, "SHA2-256-128", 12, 32),
        "bundle": ("AES-CBC", 12, 32, "NULL", 0, 0)}
AHS = {"ah": ("SHA2-256-128", 12, 32), "bundle": ("HMAC-SHA1-96", 2, 20)}
OPTIONS = [IPOption(b"\x94\x04\x00\x00"), IPOption(b"\x07\x07\x04\x00\x00\x00\x00"), IPOption(b"\x00")]


class Peer:
    def __init__(self, device, mac, local, remote, mode, suite, host, other):
        self.v6 = ":" in local
        self.family = IPv6 if self.v6 else IP
        self.host, self.other = host, other
        self.to = (device, 0x86dd if self.v6 else 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(self.to[1]))
        self.sock.bind((device, self.to[1]))
        # with somebody who listens the kernel refuses neither protocol
        self.quiet = [socket.socket(socket.AF_INET6 if self.v6 else socket.AF_INET,
                                    socket.SOCK_RAW, p) for p in (50, 51)]
        self.ours, self.theirs = (
            Suite("6" if self.v6 else "", mode, ESPS.get(suite), AHS.get(suite), spi=spi,
                  ah_spi=spi ^ 0x10000, header=self.family(src=local, dst=remote),
                  key=lambda kind, n, spi=spi: bytes([spi & 255 if kind == "encr" else spi >> 8]) * n)
            for spi in (0x1001, 0x2002))
        self.number, self.pieces = 0, []
        self.opened = self.bad = self.clear = 0
        self.replies, self.datagrams = [], []

    def send(self, packet):
        self.number += 1
        sealed = self.family(self.ours.seal(packet, self.number))
        if len(sealed) <= MTU:
            pieces = [sealed]
        elif self.v6:
            cut = IPv6(src=sealed.src, dst=sealed.dst, hlim=sealed.hlim, tc=sealed.tc)
            cut /= IPv6ExtHdrFragment(nh=sealed.nh, id=self.number) / sealed.payload
            pieces = fragment6(cut, MTU)
        else:
            pieces = fragment(sealed, MTU - 28)
        for piece in pieces:
            self.sock.sendto(raw(piece), self.to)

    def ping(self, size, options):
        head = self.family(src=self.host, dst=self.other)
        if options and self.v6:
            head /= IPv6ExtHdrHopByHop(options=[RouterAlert(), HBHOptUnknown(otype=0x3e,
                                                                            optdata=b"way")])
        elif options:
            head.options = OPTIONS
        kind = ICMPv6EchoRequest if self.v6 else ICMP
        self.send(head / kind(id=77, seq=self.number) / Raw(b"x" * size))

    def inside(self, packet):
        """An inner packet: requests are answered, replies and datagrams kept."""
        if packet.src != self.other or packet.dst != self.host:
            self.bad += 1
        elif UDP in packet:
            self.datagrams.append((bytes(packet[UDP].payload), IPv6ExtHdrHopByHop in packet))
        elif ICMPv6EchoRequest in packet:
            p = packet[ICMPv6EchoRequest]
            self.send(IPv6(src=self.host, dst=self.other) /
                      ICMPv6EchoReply(id=p.id, seq=p.seq, data=p.data))
        elif ICMP in packet and packet[ICMP].type == 8:
            p = packet[ICMP]
            self.send(IP(src=self.host, dst=self.other) /
                      ICMP(type=0, id=p.id, seq=p.seq) / Raw(bytes(p.payload)))
        elif ICMPv6EchoReply in packet or (ICMP in packet and packet[ICMP].type == 0):
            self.replies.append(packet)

    def whole(self, packet):
        """What the packet completes, or None."""
        piece = IPv6ExtHdrFragment in packet if self.v6 else packet.frag or packet.flags.MF
        if not piece:
            return packet
        self.pieces.append(packet)
        if self.v6:
            more, done = packet[IPv6ExtHdrFragment].m, defragment6(self.pieces)
        else:
            more, done = packet.flags.MF, None if packet.flags.MF else defragment(self.pieces)[0]
        if more:
            return None
        self.pieces = []
        return self.family(raw(done))

    def receive(self):
        data, where = self.sock.recvfrom(65535)
        if where[2] != TO_US:
            return
        packet = self.whole(self.family(data))
        if packet is None:
            return
        if AH not in packet and ESP not in packet:
            self.clear += any(kind in packet
                              for kind in (ICMP, UDP, ICMPv6EchoRequest, ICMPv6EchoReply))
            return
        try:
            inner = raw(self.theirs.open(packet))
        except Exception as e:  # whatever scapy finds wrong with it
            print(f"scapy: {e!r}", file=sys.stderr)
            self.bad += 1
            return
        self.opened += 1
        self.inside((IPv6 if inner[0] >> 4 == 6 else IP)(inner))

    def wait(self, ready):
        while not ready() and select.select([self.sock], [], [], WAIT)[0]:
            self.receive()
        return ready()

    def command(self, words):
        if words[0] == "ping":
            before = len(self.replies)
            self.ping(int(words[1]), "options" in words)
            return "answered" if self.wait(lambda: len(self.replies) > before) else "lost"
        if words[0] == "udp":
            if not self.wait(lambda: self.datagrams):
                return "lost"
            data, extended = self.datagrams.pop(0)
            return f"{data.hex()} {'with' if extended else 'without'}"
        return f"opened {self.opened} bad {self.bad} clear {self.clear}"

    def run(self):
        print("ready", flush=True)
        while True:
            for ready in select.select([self.sock, sys.stdin], [], [])[0]:
                if ready is self.sock:
                    self.receive()
                    continue
                line = sys.stdin.readline()
                if not line:
                    return
                print(self.command(line.split()), flush=True)


if __name__ == "__main__":
    Peer(*sys.argv[1:]).run()
