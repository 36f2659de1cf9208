"""What may be seen on a link between two boxes: IKE, ARP, and packets with the headers that a test expects."""
import contextlib
import ipaddress
import os
import struct
import tempfile

from harness import check, equal

UDP, ESP, AH = 17, 50, 51
IKE = 500


@contextlib.contextmanager
def packets(lab, link="outside"):
    """The IPv4 packets that pass the link while the block runs: a list, there when the block has ended."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pcap")
        with lab.capture(link, path):
            yield found
        with open(path, "rb") as f:
            data = f.read()
    at = 24
    while at < len(data):
        size = struct.unpack_from("=I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] == b"\x08\x00":
            found.append(frame[14:])


@contextlib.contextmanager
def on_the_wire(lab, *chain, link="outside"):
    """What passes the link while the block runs is IKE, ARP, and IP with these headers in a row."""
    with packets(lab, link) as found:
        yield
    seen = sum(headers(p, chain) for p in found)
    check(seen, f"nothing with headers {chain} was seen")


@contextlib.contextmanager
def only_between(lab, network, link="outside"):
    """Nothing passes the link while the block runs but packets between addresses of this network."""
    net = ipaddress.ip_network(network)
    with packets(lab, link) as found:
        yield
    for p in found:
        check(all(ipaddress.ip_address(p[at:at + 4]) in net for at in (12, 16)), f"in clear: {p.hex()}")


def headers(packet, chain):
    """Whether this IPv4 packet has just these; a later fragment only counts by its first."""
    body, proto = packet[(packet[0] & 15) * 4:], packet[9]
    if proto == UDP:
        check(IKE in struct.unpack("!HH", body[:4]), f"in clear: {packet.hex()}")
        return False
    equal(proto, chain[0], f"first header of {packet.hex()}")
    if len(chain) > 1 and not struct.unpack("!H", packet[6:8])[0] & 0x1fff:
        equal(body[0], chain[1], f"what AH is around: {packet.hex()}")
    return True
