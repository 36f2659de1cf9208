#!/usr/bin/python3 -B
"""NAT traversal (RFC 7296 §2.23, RFC 3948) through a router that translates (nftables): our box
behind it, strongSwan behind it, and a mapping that changes under a tunnel.
"""
import contextlib
import os
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import SUITES, child_spis, fixture, ike_spis, peer, use  # noqa: E402

SUITE = "aes-gcm, group 14"
PRIVATE, WAN = "10.99.0.0/24", "198.51.100.0/24"


def inside(lab, *argv, **kw):
    return subprocess.run(["ip", "netns", "exec", lab.ns("NAT"), *argv], text=True,
                          capture_output=True, timeout=300, check=True, **kw).stdout


def translate(lab, source, ports):
    """From now on UDP of this network gets these ports, and the router's address."""
    inside(lab, "nft", "-f", "-", input=f"""
table ip nat
delete table ip nat
table ip nat {{
  chain post {{
    type nat hook postrouting priority srcnat;
    ip saddr {source} ip daddr != {source} udp dport {{ 500, 4500 }} masquerade to :{ports}
  }}
}}
""")


def forget(lab):
    """The router loses its memory, as after a restart."""
    inside(lab, "conntrack", "-F")


@contextlib.contextmanager
def behind(lab, who, ports="20000-20099", **kw):
    """Translates for one side, and gives both the suite."""
    box = lab.box("BOX")
    translate(lab, who, ports)
    policy, proposal, ike, esp, _ = SUITES[SUITE]
    use(box, policy, proposal)
    with peer(lab, ike, esp, **kw) as charon:
        yield box, charon


def there(charon):
    """The address and port of the box, as strongSwan sees it."""
    m = re.search(r"remote '[^']*' @ (\S+)\[(\d+)\]", charon.swanctl("--list-sas").stdout)
    return (m.group(1), int(m.group(2))) if m else None


OUR_SIDE = {"remote": "%any", "remote_id": "10.99.0.10"}


@test
def our_box_behind_a_nat(lab):
    with behind(lab, PRIVATE, **OUR_SIDE) as (box, charon):
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings")
        address, port = there(charon)
        equal(address, "198.51.100.1", "our address at strongSwan")
        check(20000 <= port <= 20099, f"our port at strongSwan: {port}")
        check("remote host is behind NAT" in charon.log(), charon.log())
        check("/4500" in squeeze(show(box, "show crypto ikev2 sa")), "not on UDP 4500")
        equal(ping(lab, "peer", "10.10.0.1", count=5), 5, "pings from the other side")
        for what, name in (("child", "net"), ("ike", "box")):
            r = charon.swanctl("--rekey", f"--{what}", name)
            equal(r.returncode, 0, r.stdout + r.stderr)
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings after strongSwan's rekeys")


@test
def our_mapping_changes_under_a_tunnel(lab):
    with behind(lab, PRIVATE, **OUR_SIDE) as (box, charon):
        equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings")
        sa, before = ike_spis(box), there(charon)
        translate(lab, PRIVATE, "30000-30099")
        forget(lab)
        # strongSwan's user-space ESP does not say that packets come from elsewhere; our liveness
        # check, due because nothing comes back, shows it
        poll(lambda: ping(lab, "inside", "10.20.0.1", count=1, wait=1), 30, "traffic comes back")
        equal(ping(lab, "inside", "10.20.0.1", count=10), 10, "pings by the new mapping")
        after = there(charon)
        check(after != before and 30000 <= after[1] <= 30099, f"{before} is {after} now")
        equal(ike_spis(box), sa, "the IKE SA")  # strongSwan replaces the child by itself


@test
def strongswan_behind_a_nat(lab):
    kw = {"remote": "10.99.0.10", "remote_id": "10.99.0.10"}
    with behind(lab, WAN, **kw) as (box, charon):
        r = charon.swanctl("--initiate", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        shown = squeeze(show(box, "show crypto ikev2 sa"))
        check(re.search(r"10\.99\.0\.10/4500 10\.99\.0\.1/200\d\d READY RESPONDER", shown), shown)
        equal(ping(lab, "peer", "10.10.0.1", count=5), 5, "pings from strongSwan")
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings from us")
        spis = child_spis(box)
        # it comes by another port, and we follow what its packets say
        translate(lab, WAN, "30000-30099")
        forget(lab)
        answered = ping(lab, "peer", "10.10.0.1", count=6, interval=1, wait=5)
        check(answered >= 5, f"{answered} of 6 pings: the first answer may go the old way, no other")
        shown = squeeze(show(box, "show crypto ikev2 sa"))
        check(re.search(r"10\.99\.0\.1/300\d\d READY", shown), shown)
        equal(child_spis(box), spis, "the child")
        before = ike_spis(box)
        r = charon.swanctl("--rekey", "--ike", "box")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: len(ike_spis(box)) == 1 and ike_spis(box) != before, 10, "a rekey after that")
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings from us after that")


if __name__ == "__main__":
    run(fixture("t-nat", "nat-lab"))
