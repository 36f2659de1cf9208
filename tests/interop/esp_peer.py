"""What is behind a libreswan without a kernel: answers pings that come in ESP or AH, by scapy.

    esp_peer.py LOG LOCAL REMOTE

LOG is what xfrm_sa.c writes. Each ESP or AH packet from REMOTE is opened with the keys there, and when an
echo request is inside, it is answered on the newest SA towards REMOTE. Prints "ready" when it listens.
"""
import select
import socket
import sys

from scapy.layers.inet import ICMP, IP
from scapy.layers.ipsec import AH, ESP, SecurityAssociation
from scapy.packet import raw

PROTOCOLS = {"esp": ESP, "ah": AH}
# As the kernel names them: "aes" alone is AES-CBC.
CIPHERS = {"aes": "AES-CBC", "rfc4106(gcm(aes))": "AES-GCM"}
# With IKEv1 libreswan calls SHA-1 by a shorter name.
HASHES = {"hmac(sha1)": "HMAC-SHA1-96", "sha1": "HMAC-SHA1-96", "hmac(sha256)": "SHA2-256-128",
          "sha256": "SHA2-256-128",
          "hmac(sha512)": "SHA2-512-256"}


class Sas:
    """The SAs of the log; one stays the same object, as it counts its packets."""

    def __init__(self, log, local, remote):
        self.log, self.outer, self.known = log, IP(src=local, dst=remote, id=1), {}

    def read(self):
        """SPI → (destination, SA), in the order in which they were made."""
        there = {}
        with open(self.log) as f:
            for line in f:
                what, spi, *rest = line.split()
                there.pop(spi, None)
                if what == "add":
                    there[spi] = rest[0], self._sa(spi, rest[1], rest[2], rest[3:])
        return there

    def _sa(self, spi, proto, mode, words):
        if spi not in self.known:
            keys = {kind: (name, bytes.fromhex(key))
                    for kind, name, key in zip(words[::3], words[1::3], words[2::3])}
            about = {"tunnel_header": self.outer} if mode == "tunnel" else {}
            if proto == "esp":
                cipher, about["crypt_key"] = keys.get("crypt") or keys["aead"]
                about["crypt_algo"] = CIPHERS[cipher]
            if "auth" in keys:
                name, about["auth_key"] = keys["auth"]
                about["auth_algo"] = HASHES[name]
            self.known[spi] = SecurityAssociation(PROTOCOLS[proto], spi=int(spi, 16), **about)
        return self.known[spi]


def answer(sas, packet, remote):
    """The packet that answers this one, or None."""
    there = sas.read()
    spi = packet[AH].spi if AH in packet else packet[ESP].spi
    _, inbound = there.get(f"{spi:08x}", (None, None))
    if not inbound:
        return None
    inner = IP(raw(inbound.decrypt(packet)))  # checks the ICV
    if ICMP not in inner or inner[ICMP].type != 8:
        return None
    # The ICV of AH covers the outer header: nothing of it is left to the kernel.
    reply = (IP(src=inner.dst, dst=inner.src, id=inner.id or 1)
             / ICMP(type=0, id=inner[ICMP].id, seq=inner[ICMP].seq))
    outbound = [sa for to, sa in there.values() if to == remote][-1]
    return raw(outbound.encrypt(reply / inner[ICMP].payload))


def listen(local, remote, protocol):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
    s.bind((local, 0))
    s.connect((remote, 0))
    return s


def main():
    log, local, remote = sys.argv[1:]
    sas = Sas(log, local, remote)
    sockets = [listen(local, remote, p) for p in (socket.IPPROTO_ESP, socket.IPPROTO_AH)]
    print("ready", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            sealed = answer(sas, IP(s.recv(65535)), remote)
            if sealed:
                s.send(sealed)


if __name__ == "__main__":
    main()
