#!/usr/bin/python3 -B
"""Transport mode and AH by IKEv1 between our IOS box and libreswan (pluto); see libreswan.py."""
import contextlib
import os
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, squeeze, test  # noqa: E402
from pluto import Pluto  # noqa: E402
from swan import configure  # noqa: E402
from swan1 import ADDRESS, HOST, NETWORK, esp_spis, fixture, is_up, role  # noqa: E402

R1, PEER, BEHIND = ADDRESS["R1"], "198.51.100.20", "10.20.0.1"
TRANSPORT = f"no access-list 110\naccess-list 110 permit ip host {R1} host {PEER}\n"
TUNNEL = "no access-list 110\naccess-list 110 permit ip 10.11.0.0 0.0.0.255 10.20.0.0 0.0.0.255\n"


def none_left(box):
    return not is_up(box) and not esp_spis(box)


def clear(box):
    show(box, "clear crypto session")
    poll(lambda: none_left(box), 10, "no SA is left")


@contextlib.contextmanager
def pluto(lab, our_set, protocol, theirs, transport):
    """Both configured alike: our_set are the words of our transform set, theirs are libreswan's."""
    box = lab.box("R1")
    mode = "transport" if transport else "tunnel"
    configure(box, (TRANSPORT if transport else TUNNEL)
              + f"crypto ipsec transform-set SET {our_set}\nmode {mode}\n")
    clear(box)
    with tempfile.TemporaryDirectory() as folder:
        with Pluto(lab.ns("peer"), folder, "aes256-sha2_256-modp2048", theirs, more="pfs=no",
                   version="no", right=R1, behind=None if transport else NETWORK["R1"],
                   protocol=protocol, data=True) as p:
            try:
                yield box, p
            except BaseException:
                print("".join(f"# pluto: {l}\n" for l in p.log().splitlines()[-40:]), end="")
                print("".join(f"# esp_peer: {l}\n" for l in p.data_log().splitlines()), end="")
                print("# " + show(box, "show crypto ipsec sa").replace("\n", "\n# "))
                raise
    clear(box)


def agrees(box, p, want, *words):
    poll(lambda: len(esp_spis(box)) == 1 and set(esp_spis(box)[0]) == set(p.sas()), 10,
         "the same SPIs on both sides")
    equal(role(box), want, "role")
    text = squeeze(show(box, "show crypto ipsec sa"))
    for w in words:
        check(w in text, f"no {w!r} in\n{text}")


def both_roles(lab, our_set, protocol, theirs, transport):
    node, to = ("R1", PEER) if transport else (HOST["R1"], BEHIND)
    words = ("in use settings ={%s, }" % ("Transport" if transport else "Tunnel"),
             f"inbound {protocol} sas:\nspi:")
    with pluto(lab, our_set, protocol, theirs, transport) as (box, p):
        poll(lambda: ping(lab, node, to, count=1, wait=2), 20, "a first answer")
        equal(ping(lab, node, to, count=5), 5, "we initiate")
        agrees(box, p, "initiator", *words)
        clear(box)
        poll(lambda: not p.sas(), 10, "our delete ends libreswan's SAs")
        r = p.whack("--initiate", "--name", "box")
        check("IPsec SA established" in r.stdout, r.stdout + r.stderr)
        agrees(box, p, "responder", *words)
        equal(ping(lab, node, to, count=5), 5, "libreswan initiated")
        p.whack("--terminate", "--name", "box")
        poll(lambda: none_left(box), 10, "libreswan's delete ends our SAs")


@test
def esp_in_transport_mode(lab):
    both_roles(lab, "esp-aes 256 esp-sha256-hmac", "esp", "aes256-sha2_256", True)


@test
def ah_in_transport_mode(lab):
    both_roles(lab, "ah-sha256-hmac", "ah", "sha2_256", True)


@test
def ah_in_tunnel_mode(lab):
    both_roles(lab, "ah-sha-hmac", "ah", "sha1", False)


if __name__ == "__main__":
    run(fixture("t-libreswan1-modes"))
