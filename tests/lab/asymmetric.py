"""Seed 001 in both personalities: one entry with two peers, and a way back through the other one.

The hub tries R3 first. What R6 answers to 10.26.241.0/24 goes through R2, which has no SA yet and
begins one; the hub then drops what it had with R3 for that pair, and nothing else.
"""
import contextlib
import os
import re
import struct
import tempfile
import time

from harness import check, equal, lab_up, ping, poll, show, test

A, B, FAR = "10.26.241.0", "10.26.242.0", "195.160.0.1"
SOURCE = {A: "10.26.241.1", B: "10.26.242.1"}
R2, R3 = "5.100.24.2", "5.100.34.3"


def pairs(box):
    """By network on the hub's side: the current peer of each pair that has an SA."""
    found = {}
    for block in re.split("local +ident", show(box, "show crypto ipsec sa"))[1:]:
        lan = re.search(r"10\.26\.24\d\.0", block).group()
        peer = re.search(r"current_peer:? (\S+)", block).group(1)
        spi = re.search(r"current outbound spi\s*: (?:0x)?([0-9A-Fa-f]+)", block)
        if spi and int(spi.group(1), 16):
            found[lan] = peer
    return found


def counts(box, lan):
    """(encaps, decaps) of a pair, whatever SAs it had."""
    for block in re.split("local +ident", show(box, "show crypto ipsec sa"))[1:]:
        if lan in block:
            return tuple(int(re.search(rf"#pkts {n}: (\d+)", block).group(1))
                         for n in ("encaps", "decaps"))
    return (0, 0)


def esp_from(path):
    """How many ESP packets of each sender a capture holds."""
    found = {}
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] == b"\x08\0" and frame[23] == 50:
            sender = ".".join(map(str, frame[26:30]))
            found[sender] = found.get(sender, 0) + 1
    return found


class Network:
    """One of the two labs, with what its hub and its version of IKE are called."""

    def __init__(self, lab, hub):
        self.lab, self.hub, self.asa, self.version = lab, lab.box(hub), hub == "ASA", 1

    def box(self, name):
        return self.lab.box(name)

    def ike_peers(self, version=None):
        """{peer: what its IKE SA is called} on the hub."""
        if (version or self.version) == 2:
            text = show(self.hub, "show crypto ikev2 sa detail")
            return dict(re.findall(r"5\.100\.14\.1/500\s+(5[.\d]+)/500\s.*READY"
                                   r"[\s\S]*?Local spi: (\w+)", text))
        if self.asa:
            text = show(self.hub, "show crypto ikev1 sa")
            return {p: p for p in re.findall(r"IKE Peer: (\S+)(?:(?!IKE Peer)[\s\S])*?MM_ACTIVE",
                                             text)}
        text = show(self.hub, "show crypto isakmp sa")
        return {(d if s == "5.100.14.1" else s): c for d, s, c in
                re.findall(r"^(5[.\d]+)\s+(5[.\d]+)\s+QM_IDLE\s+(\d+)\s+ACTIVE", text, re.M)}

    def ping(self, lan, count=1, wait=1):
        return ping(self.lab, "R5", FAR, count=count, wait=wait, source=SOURCE[lan])

    @contextlib.contextmanager
    def at_first_by_r3(self):
        """In the block the hub sends ESP to R3, which sends none."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "r3")
            with self.lab.capture("r3", path):
                yield
            esp = esp_from(path)
            check(esp.get("5.100.14.1", 0) > 0 and R3 not in esp, f"ESP at R3: {esp}")

    def clear(self):
        """Nothing of a tunnel is left."""
        for box in self.lab.boxes.values():
            asa = box is self.hub and self.asa
            for command in ("clear crypto ipsec sa" if asa else "clear crypto sa",
                            "clear crypto ikev1 sa" if asa else "clear crypto isakmp",
                            "clear crypto ikev2 sa"):
                show(box, command)
        for box in self.lab.boxes.values():
            poll(lambda: not pairs(box), 10, f"no SA on {box.name}")
        poll(lambda: not self.ike_peers(1) and not self.ike_peers(2), 40, "no IKE SA on the hub")


def paste(box, text):
    r = box.paste(text)
    check(r.returncode == 0, f"{box.name} refuses:\n{r.stdout}")


def scenario_a(net):
    """One pair: R3 is asked first, and loses its tunnel to R2."""
    net.clear()
    begin = time.monotonic()
    with net.at_first_by_r3():
        poll(lambda: net.ping(A), 20, "a ping from 10.26.241.1")
        poll(lambda: pairs(net.hub) == {A: R2}, 10, "the hub's pair is with R2")
        took = time.monotonic() - begin
    poll(lambda: not pairs(net.box("R3")), 10, "R3 was told that its SA is gone")
    equal(pairs(net.box("R2")), {A: "5.100.14.1"})
    # Phase 1 of IKEv1 outlives its last child on IOS; the ASA ends it, and so does IKEv2.
    stays = {R2, R3} if net.version == 1 and not net.asa else {R2}
    poll(lambda: set(net.ike_peers()) == stays, 10, f"IKE SAs with {stays}")
    before = counts(net.box("R2"), A), counts(net.box("R3"), A)
    equal(net.ping(A, count=10, wait=60), 10, "pings answered")
    equal(pairs(net.hub), {A: R2})
    equal(counts(net.box("R2"), A), tuple(n + 10 for n in before[0]), "through R2")
    equal(counts(net.box("R3"), A), before[1], "through R3")
    print(f"# scenario A, IKEv{net.version}: with R2 {took:.2f} s after the first ping")


def scenario_b(net):
    """Two pairs: only the one whose way back leads through R2 moves."""
    net.clear()
    poll(lambda: net.ping(B), 20, "a ping from 10.26.242.1")
    equal(pairs(net.hub), {B: R3})
    first = net.ike_peers()
    equal(set(first), {R3}, "IKE SAs")
    with net.at_first_by_r3():
        poll(lambda: net.ping(A), 20, "a ping from 10.26.241.1")
    poll(lambda: pairs(net.hub) == {A: R2, B: R3}, 10, "one pair with each peer")
    poll(lambda: pairs(net.box("R3")) == {B: "5.100.14.1"}, 10, "R3 has lost just one pair")
    equal(pairs(net.box("R2")), {A: "5.100.14.1"})
    now = net.ike_peers()
    equal(set(now), {R2, R3}, "IKE SAs")
    equal(now[R3], first[R3], "the IKE SA with R3 is another one")
    before = {box: {lan: counts(net.box(box), lan) for lan in (A, B)} for box in ("R2", "R3")}
    for lan in (A, B):
        equal(net.ping(lan, count=10, wait=60), 10, f"pings from {lan}")
    equal(pairs(net.hub), {A: R2, B: R3})
    for box, lan in (("R2", A), ("R3", B)):
        equal(counts(net.box(box), lan), tuple(n + 10 for n in before[box][lan]), f"{lan} by {box}")
    for box, lan in (("R2", B), ("R3", A)):
        equal(counts(net.box(box), lan), before[box][lan], f"{lan} by {box}")


def fixture(sample, hub, name):
    """The lab as the tests get it."""
    @contextlib.contextmanager
    def network():
        with lab_up(sample, name) as lab:
            yield Network(lab, hub)
    return network()


@test
def scenario_a_in_ikev1(net):
    scenario_a(net)


@test
def scenario_b_in_ikev1(net):
    scenario_b(net)


@test
def both_in_ikev2(net):
    profile = "crypto map VPN 10\nset ikev2-profile {}\n"
    if net.asa:
        paste(net.hub, "crypto map VPN 10 set ikev2 ipsec-proposal AES\n"
                       "no crypto map VPN 10 set ikev1 transform-set AES\n")
    else:
        paste(net.hub, profile.format("SITES"))
    for box in ("R2", "R3"):
        paste(net.box(box), profile.format("HUB"))
    net.version = 2
    scenario_a(net)
    scenario_b(net)
