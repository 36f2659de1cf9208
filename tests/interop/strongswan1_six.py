#!/usr/bin/python3 -B
"""IKEv1 between our ASA and strongSwan by IPv6: main and aggressive mode in both roles, each family
inside, ESP in UDP 4500 of IPv6 (a NAT is faked, as in strongswan6.py).
"""
import contextlib
import os
import re
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import network  # noqa: E402
from charon import Charon  # noqa: E402
from harness import check, equal, lab_up, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import CHILD, configure  # noqa: E402
from swan1 import CONNECTION, SECRET, esp_spis, none_left  # noqa: E402

BOX, PEER = "2001:db8:100::10", "2001:db8:100::20"
LINES = f"""\
crypto ikev1 policy 1
authentication pre-share
encryption aes-256
hash sha
group 14
crypto ikev1 enable outside
crypto ipsec ikev1 transform-set SET esp-aes-256 esp-sha-hmac
crypto map MAP 1 set ikev1 transform-set SET
no crypto map MAP 1 set ikev2 ipsec-proposal PROPOSAL
tunnel-group {PEER} ipsec-attributes
ikev1 pre-shared-key Shared-Secret
"""
INSIDE = {"six": ("2001:db8:20::/64", "2001:db8:10::/64", "2001:db8:20::1"),
          "four": ("10.20.0.0/24", "10.10.0.0/24", "10.20.0.1")}


@contextlib.contextmanager
def fixture():
    lab_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), "strongswan6-lab")
    with lab_up(lab_dir, "t-strongswan1-six") as lab:
        network.ip(ns=lab.ns("peer"), batch=["addr add 10.20.0.1/24 dev lo",
                                             "addr add 2001:db8:20::1/64 dev lo nodad"])
        configure(lab.box("BOX"), LINES)
        yield lab


@contextlib.contextmanager
def peer(lab, more=""):
    children = "\n      ".join(CHILD.format(name=name, local_ts=theirs, remote_ts=ours, esp="aes256-sha1")
                               for name, (theirs, ours, _) in INSIDE.items())
    text = ("connections {\n"
            + CONNECTION.format(box="BOX", local=PEER, remote=BOX, ike="aes256-sha1-modp2048",
                                more=more, own_id=PEER, remote_id=BOX, children=children)
            + "}\nsecrets {\n" + SECRET.format(box="BOX", remote_id=BOX, secret="Shared-Secret")
            + "}\n")
    with tempfile.TemporaryDirectory() as folder:
        with Charon(lab.ns("peer"), folder, text) as charon:
            try:
                yield charon
            except BaseException:
                print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-80:]), end="")
                raise


def agrees(box, charon, role, children):
    ours = squeeze(show(box, "show crypto ikev1 sa"))
    for words in (f"IKE Peer: {PEER}", f"Role : {role}", "M_ACTIVE"):
        check(words in ours, ours)
    theirs = charon.swanctl("--list-sas").stdout
    equal(theirs.count("TUNNEL-in-UDP"), children, theirs)
    check(re.search(rf"local .* @ {PEER}\[4500\]", theirs), theirs)
    spis = re.findall(r"^    in +(\w+),.*?^    out (\w+),", theirs, re.M | re.S)
    equal({(int(o, 16), int(i, 16)) for i, o in spis}, set(esp_spis(box)), theirs)


def pings_pass(lab, what):
    for name, (_, _, address) in INSIDE.items():
        equal(ping(lab, "inside", address, count=4), 4, f"{what}, {name}")
        equal(ping(lab, "inside", address, count=2, size=1200), 2, f"{what}, {name}, large")


def both_roles(lab, more=""):
    box = lab.box("BOX")
    with peer(lab, more) as charon:
        for _, _, address in INSIDE.values():
            poll(lambda a=address: ping(lab, "inside", a, count=1, wait=2), 20, "a first answer")
        pings_pass(lab, "we initiate")
        agrees(box, charon, "initiator", 2)
        show(box, "clear crypto ikev1 sa")
        poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 5,
             "our delete ends strongSwan's SAs")
        it_initiates(lab, box, charon)


def it_initiates(lab, box, charon):
    for name in INSIDE:
        r = charon.swanctl("--initiate", "--child", name)
        equal(r.returncode, 0, r.stdout + r.stderr)
    poll(lambda: len(esp_spis(box)) == 2, 5, "both children")
    agrees(box, charon, "responder", 2)
    pings_pass(lab, "strongSwan initiated")
    r = charon.swanctl("--terminate", "--ike", "BOX")
    equal(r.returncode, 0, r.stdout + r.stderr)
    poll(lambda: none_left(box), 5, "strongSwan's delete ends our SAs")


@test
def main_mode_in_both_roles(lab):
    both_roles(lab)


@test
def aggressive_mode(lab):
    with peer(lab, "aggressive = yes") as charon:
        it_initiates(lab, lab.box("BOX"), charon)


if __name__ == "__main__":
    run(fixture())
