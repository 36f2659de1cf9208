#!/usr/bin/python3 -B
"""Native ESP (protocol 50) against scapy's IPsec layer, an implementation that shares no code
with ours: what we seal it opens, what it seals we open, on both crypto backends.
"""
import itertools
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.path.join(TOP, os.environ.get("B") or "build")
TOOL = os.path.join(B, "interop", "esp_tool")

from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import ESP, SecurityAssociation  # noqa: E402
from scapy.packet import Raw, raw  # noqa: E402

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


def packets_of(head):
    yield head / ICMP(id=7, seq=1) / Raw(b"ping" * 14)
    for n in range(0, 20):
        yield head / UDP(sport=4000, dport=53) / Raw(bytes(range(n)))
    yield head / TCP(sport=1025, dport=80, flags="S")
    yield head / UDP(sport=1, dport=2) / Raw(os.urandom(1372))


def check(suite, backend, outer):
    crypt, encr, klen, auth, integ, ilen, high = suite
    key, ikey = os.urandom(klen), os.urandom(ilen)
    spi = 0x7a6d7a6d
    esn = {} if high is None else {"esn_en": True, "esn": high}
    numbers = f"{encr} {key.hex() or '-'} {integ} {ikey.hex() or '-'} {spi} " \
              f"{'-' if high is None else high}"
    theirs = SecurityAssociation(ESP, spi=spi, crypt_algo=crypt, crypt_key=key or None,
                                 auth_algo=auth, auth_key=ikey or None,
                                 tunnel_header=OUTER[outer], **esn)
    ours = Tool(backend)
    try:
        answer = ours.ask(f"sa out{outer} {numbers}")
        assert answer.startswith("ok"), answer
        for n, packet in enumerate(inner_packets(), 1):
            sealed = OUTER[outer].__class__(bytes.fromhex(ours.ask("seal " + raw(packet).hex())))
            assert (sealed.src, sealed.dst) == (OUTER[outer].src, OUTER[outer].dst), sealed
            assert sealed[ESP].seq == n, sealed[ESP].seq
            opened = theirs.decrypt(sealed)
            assert raw(opened) == raw(packet), f"packet {n}: {opened!r}"
        assert ours.ask(f"sa in{outer} {numbers}").startswith("ok")
        for n, packet in enumerate(inner_packets(), 1):
            sealed = raw(theirs.encrypt(packet, seq_num=n))
            if auth != "NULL" or crypt == "AES-GCM":
                bad = bytearray(sealed)
                bad[-1] ^= 1
                assert ours.ask("open " + bad.hex()) == "drop bad ICV"
            answer = ours.ask("open " + sealed.hex())
            assert answer == raw(packet).hex(), f"packet {n}: {answer}"
            assert ours.ask("open " + sealed.hex()) == "drop replay"
    finally:
        assert ours.close() == 0


def main():
    subprocess.run(["make", "-s", f"B={B}", TOOL], cwd=TOP, check=True, stdin=subprocess.DEVNULL)
    number = failed = 0
    for backend in ("openssl", "mb"):
        if subprocess.run([TOOL, backend], stdin=subprocess.DEVNULL, check=False).returncode == 77:
            print(f"# {backend} is not available on this machine")
            continue
        for (name, suite), outer in itertools.product(SUITES.items(), OUTER):
            number += 1
            what = f"{backend}: {name} in IPv{outer or 4}"
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
