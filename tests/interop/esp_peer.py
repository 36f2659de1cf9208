"""What is behind a libreswan without a kernel: answers pings that come in ESP, by scapy.

    esp_peer.py LOG LOCAL REMOTE

LOG is what xfrm_sa.c writes. Each ESP packet from REMOTE is opened with the keys there, and when an
echo request is inside, it is answered on the newest SA towards REMOTE. Prints "ready" when it listens.
"""
import socket
import sys

from scapy.layers.inet import ICMP, IP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import raw

# As the kernel names them: "aes" alone is AES-CBC.
CIPHERS = {"aes": "AES-CBC", "rfc4106(gcm(aes))": "AES-GCM"}
# With IKEv1 libreswan calls SHA-1 by a shorter name.
HASHES = {"hmac(sha1)": "HMAC-SHA1-96", "sha1": "HMAC-SHA1-96", "hmac(sha256)": "SHA2-256-128",
          "sha256": "SHA2-256-128",
          "hmac(sha512)": "SHA2-512-256"}


class Sas:
    """The SAs of the log; one stays the same object, as it counts its packets."""

    def __init__(self, log, local, remote):
        self.log, self.outer, self.known = log, IP(src=local, dst=remote), {}

    def read(self):
        """SPI → (destination, SA), in the order in which they were made."""
        there = {}
        with open(self.log) as f:
            for line in f:
                what, spi, *rest = line.split()
                there.pop(spi, None)
                if what == "add":
                    there[spi] = rest[0], self._sa(spi, rest[1:])
        return there

    def _sa(self, spi, words):
        if spi not in self.known:
            keys = {kind: (name, bytes.fromhex(key))
                    for kind, name, key in zip(words[::3], words[1::3], words[2::3])}
            cipher, key = keys.get("crypt") or keys["aead"]
            auth = {}
            if "auth" in keys:
                auth = {"auth_algo": HASHES[keys["auth"][0]], "auth_key": keys["auth"][1]}
            self.known[spi] = SecurityAssociation(ESP, spi=int(spi, 16), crypt_key=key, **auth,
                                                  crypt_algo=CIPHERS[cipher],
                                                  tunnel_header=self.outer)
        return self.known[spi]


def answer(sas, packet, remote):
    """The ESP payload that answers this packet, or None."""
    there = sas.read()
    _, inbound = there.get(f"{packet[ESP].spi:08x}", (None, None))
    if not inbound:
        return None
    inner = inbound.decrypt(packet)  # checks the ICV
    if ICMP not in inner or inner[ICMP].type != 8:
        return None
    reply = IP(src=inner.dst, dst=inner.src) / ICMP(type=0, id=inner[ICMP].id, seq=inner[ICMP].seq)
    outbound = [sa for to, sa in there.values() if to == remote][-1]
    return raw(outbound.encrypt(reply / inner[ICMP].payload)[ESP])


def main():
    log, local, remote = sys.argv[1:]
    sas = Sas(log, local, remote)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
    s.bind((local, 0))
    s.connect((remote, 0))
    print("ready", flush=True)
    while True:
        sealed = answer(sas, IP(s.recv(65535)), remote)
        if sealed:
            s.send(sealed)


if __name__ == "__main__":
    main()
