#!/usr/bin/python3 -B
"""Native ESP and AH (protocols 50 and 51) against scapy's IPsec layer, an implementation that shares
no code with ours: what we seal it opens, what it seals we open, on both crypto backends; alone and
as ESP inside AH, in tunnel and transport mode, over both families.
"""
import itertools
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.path.join(TOP, os.environ.get("B") or "build")
TOOL = os.path.join(B, "interop", "esp_tool")

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption  # noqa: E402
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoRequest, IPv6,  # noqa: E402
                                IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, RouterAlert)
from scapy.layers.ipsec import AH, ESP, SecurityAssociation  # noqa: E402
from scapy.packet import Raw, bind_layers, raw, split_layers  # noqa: E402

OUTER = {"": IP(src="192.0.2.1", dst="192.0.2.2"),
         "6": IPv6(src="2001:db8::1", dst="2001:db8::2")}
# name: scapy's names, IANA's numbers, key and integrity key lengths, ESN's high half
SUITES = {
    f"AES-CBC-{8 * n} with {auth}": ("AES-CBC", 12, n, auth, integ, ilen, None)
    for n in (16, 24, 32)
    for auth, integ, ilen in (("HMAC-SHA1-96", 2, 20), ("SHA2-256-128", 12, 32),
                              ("SHA2-384-192", 13, 48), ("SHA2-512-256", 14, 64))
}
SUITES.update({f"AES-GCM-{8 * n}": ("AES-GCM", 20, n + 4, "NULL", 0, 0, None)
               for n in (16, 24, 32)})
SUITES["AES-GCM-256, extended numbers"] = ("AES-GCM", 20, 36, "NULL", 0, 0, 7)
SUITES["NULL with SHA2-256-128"] = ("NULL", 11, 0, "SHA2-256-128", 12, 32, None)
SUITES["3DES with HMAC-SHA1-96"] = ("3DES", 3, 24, "HMAC-SHA1-96", 2, 20, None)
SUITES["DES with HMAC-MD5-96"] = ("DES", 2, 8, "HMAC-MD5-96", 1, 16, None)
SUITES["3DES with SHA2-384-192"] = ("3DES", 3, 24, "SHA2-384-192", 13, 48, None)
# integrity of AH: scapy's name, IANA's number, key length
INTEGRITY = [("HMAC-MD5-96", 1, 16), ("HMAC-SHA1-96", 2, 20), ("SHA2-256-128", 12, 32),
             ("SHA2-384-192", 13, 48), ("SHA2-512-256", 14, 64)]
# what stands in AH beside itself: ESP as a transform set has it, or nothing
BUNDLES = {"AES-CBC-128 without integrity": ("AES-CBC", 12, 16, "NULL", 0, 0),
           "3DES without integrity": ("3DES", 3, 24, "NULL", 0, 0),
           "NULL without integrity": ("NULL", 11, 0, "NULL", 0, 0),
           "AES-CBC-256 with SHA2-256-128": ("AES-CBC", 12, 32, "SHA2-256-128", 12, 32),
           "AES-GCM-256": ("AES-GCM", 20, 36, "NULL", 0, 0)}
SPI, AH_SPI = 0x7a6d7a6d, 0x0a0b0c0d


class Tool:
    """One esp_tool process."""

    def __init__(self, backend):
        self.proc = subprocess.Popen([TOOL, backend], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def close(self):
        self.proc.stdin.close()
        return self.proc.wait(100)


def inner_packets():
    """Both families: every length class of padding, and some that fill a packet."""
    yield from packets_of(IP(src="10.10.10.1", dst="192.168.10.1", ttl=63))
    yield from packets_of(IPv6(src="2001:db8:a::1", dst="2001:db8:b::1", hlim=63))


def own_packets(outer):
    """Between the two ends themselves, for transport mode."""
    head = OUTER[outer].copy()
    yield from packets_of(head)
    if not outer:
        head.ttl, head.tos, head.flags = 17, 0x2e << 2, "DF"
        # router alert, which AH covers; record route, which it cannot; padding
        head.options = [IPOption(b"\x94\x04\x00\x00"), IPOption(b"\x07\x07\x04\x00\x00\x00\x00"),
                        IPOption(b"\x00")]
    else:
        head.hlim, head.tc = 17, 0x2e << 2
        # one option that AH covers, one whose data may change on the way
        head /= IPv6ExtHdrHopByHop(options=[RouterAlert(), HBHOptUnknown(otype=0x3e, optdata=b"way"),
                                            PadN(optdata=b"\0")])
    yield from packets_of(head)


def packets_of(head):
    ping = ICMPv6EchoRequest if head.version == 6 else ICMP
    yield head / ping(id=7, seq=1) / Raw(b"ping" * 14)
    for n in range(0, 20):
        yield head / UDP(sport=4000, dport=53) / Raw(bytes(range(n)))
    yield head / TCP(sport=1025, dport=80, flags="S")
    yield head / UDP(sport=1, dport=2) / Raw(os.urandom(1300))


class Suite:
    """Keys of one SA, for both implementations. key(kind, bytes) makes them, kind being encr, integ
    or ah."""

    def __init__(self, outer, mode, esp=None, ah=None, high=None, *, spi=SPI, ah_spi=AH_SPI,
                 header=None, key=lambda kind, n: os.urandom(n)):
        self.mode, self.high = mode, high
        esn = {} if high is None else {"esn_en": True, "esn": high}
        tunnel = (header or OUTER[outer]) if mode == "tunnel" else None
        self.theirs = []  # in the order of sealing
        numbers = [0, "-", 0, "-", spi, "-" if high is None else high, 0, "-", 0]
        if esp:
            crypt, encr, klen, auth, integ, ilen = esp
            ekey, ikey = key("encr", klen), key("integ", ilen)
            numbers[:4] = encr, ekey.hex() or "-", integ, ikey.hex() or "-"
            self.theirs.append(SecurityAssociation(
                ESP, spi=spi, crypt_algo=crypt, crypt_key=ekey or None, auth_algo=auth,
                auth_key=ikey or None, tunnel_header=tunnel, **esn))
        if ah:
            auth, integ, ilen = ah
            akey = key("ah", ilen)
            if esp:
                numbers[6:] = integ, akey.hex(), ah_spi
            else:
                numbers[2:4] = integ, akey.hex()
            self.theirs.append(SecurityAssociation(
                AH, spi=ah_spi if esp else spi, auth_algo=auth, auth_key=akey,
                tunnel_header=None if esp else tunnel, **esn))
        self.words = " ".join(map(str, ["esp" if esp else "ah", mode] + numbers))
        self.integrity = ah or esp[3] != "NULL" or esp[0] == "AES-GCM"

    def seal(self, packet, number):
        for sa in self.theirs:
            # with ESP in sight scapy would sign that, and not the AH around it
            if ESP in packet:
                split_layers(packet.__class__, ESP)
            packet = sa.encrypt(packet.__class__(raw(packet)), seq_num=number)
            bind_layers(IP, ESP, proto=50)
            bind_layers(IPv6, ESP, nh=50)
        return raw(packet)

    def open(self, packet):
        for sa in reversed(self.theirs):
            packet = sa.decrypt(packet.__class__(raw(packet)))
        return packet


def check(suite, backend, outer):
    ours = Tool(backend)
    transport = suite.mode == "transport"
    packets = list(own_packets(outer) if transport else inner_packets())
    try:
        answer = ours.ask(f"sa out{outer} {suite.words}")
        assert answer.startswith("ok"), answer
        for n, packet in enumerate(packets, 1):
            answer = ours.ask("seal " + raw(packet).hex())
            assert not answer.startswith(("drop", "error")), answer
            sealed = OUTER[outer].__class__(bytes.fromhex(answer))
            assert (sealed.src, sealed.dst) == (OUTER[outer].src, OUTER[outer].dst), sealed
            for header in (AH, ESP):
                assert header not in sealed or sealed[header].seq == n, sealed[header].seq
            if transport and not outer:
                packet.id = sealed.id  # of our choice
            opened = suite.open(sealed)
            assert raw(opened) == raw(packet), f"packet {n}: {opened!r}, not {packet!r}"
        assert ours.ask(f"sa in{outer} {suite.words}").startswith("ok")
        for n, packet in enumerate(packets, 1):
            sealed = suite.seal(packet, n)
            if suite.integrity:
                bad = bytearray(sealed)
                bad[-1] ^= 1
                assert ours.ask("open " + bad.hex()) == "drop bad ICV"
            answer = ours.ask("open " + sealed.hex())
            assert answer == raw(packet).hex(), f"packet {n}: {answer}, not {raw(packet).hex()}"
            assert ours.ask("open " + sealed.hex()) == "drop replay"
    finally:
        assert ours.close() == 0


def cases():
    """What it is, outer family, suite."""
    for outer, mode in itertools.product(OUTER, ("tunnel", "transport")):
        where = f"{mode} mode, IPv{outer or 4}"
        for name, suite in SUITES.items():
            yield f"{name}, {where}", outer, Suite(outer, mode, esp=suite[:6], high=suite[6])
        for ah in INTEGRITY:
            yield f"AH with {ah[0]}, {where}", outer, Suite(outer, mode, ah=ah)
        for (name, esp), ah in zip(BUNDLES.items(), INTEGRITY, strict=True):
            yield f"AH with {ah[0]} around {name}, {where}", outer, Suite(outer, mode, esp, ah)


def main():
    subprocess.run(["make", "-s", f"B={B}", TOOL], cwd=TOP, check=True, stdin=subprocess.DEVNULL)
    number = failed = 0
    for backend in ("openssl", "mb"):
        if subprocess.run([TOOL, backend], stdin=subprocess.DEVNULL, check=False).returncode == 77:
            print(f"# {backend} is not available on this machine")
            continue
        for name, outer, suite in cases():
            number += 1
            what = f"{backend}: {name}"
            try:
                check(suite, backend, outer)
                print(f"ok {number} - {what}")
            except AssertionError as e:
                failed += 1
                print(f"not ok {number} - {what}\n# {e}")
    print(f"1..{number}")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main())
