#!/usr/bin/python3 -B
"""Two boxes of ours through a router that translates for one of them (nftables): set-up from either
side, keepalives that hold the mapping (RFC 3948 §4), mappings that change (RFC 7296 §2.23).
"""
import contextlib
import os
import re
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import network  # noqa: E402
from decode import fields, tshark  # noqa: E402
from harness import check, equal, lab_up, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import child_spis, configured, ike_spis, rekeyed  # noqa: E402

RULES = """
table ip nat
delete table ip nat
table ip nat {{
  chain pre {{
    type nat hook prerouting priority dstnat;
    {pre}
  }}
  chain post {{
    type nat hook postrouting priority srcnat;
    {post}
  }}
}}
"""
OUT = "ip saddr 10.99.0.0/24 udp dport {{ 500, 4500 }} snat to {address}:{ports}"
FORWARD = "ip daddr 198.51.100.1 udp dport { 500, 4500 } dnat to 10.99.0.10"
# Counts datagrams of one byte that the router forwards.
SEEN = """
table ip seen {
  chain forward {
    type filter hook forward priority filter;
    udp length 9 counter
  }
}
"""
# The router forgets a mapping that nothing has used for so long.
IDLE_LIMIT, KEEPALIVE = 32, 20
LOOK = "show crypto ikev2 sa"


def at_router(lab, *argv, text=""):
    r = lab.host("NAT", argv, input=text, stdin=None, text=True, capture_output=True)
    equal(r.returncode, 0, r.stderr)
    return r.stdout


def translate(lab, ports="20000-20099", address="198.51.100.1", forward=False):
    """New rules, and the router has forgotten what it did before."""
    rules = RULES.format(pre=FORWARD if forward else "",
                         post=OUT.format(address=address, ports=ports))
    at_router(lab, "nft", "-f", "-", text=rules)
    at_router(lab, "conntrack", "-F")


def there(lab):
    """The address and port of BOX as FAR sees it."""
    m = re.search(r"198\.51\.100\.20/4500 (\S+)/(\d+) READY", squeeze(show(lab.box("FAR"), LOOK)))
    return (m.group(1), int(m.group(2))) if m else None


def agree(lab, role):
    """One tunnel, in UDP, with the same SPIs at both ends; `role` is BOX's."""
    box, far = lab.box("BOX"), lab.box("FAR")
    check(f"10.99.0.10/4500 198.51.100.20/4500 READY {role}" in squeeze(show(box, LOOK)),
          show(box, LOOK))
    equal([child[::-1] for child in child_spis(far)], child_spis(box), "SPIs")
    check("NAT-T is detected inside" in squeeze(show(box, LOOK + " detail")), "BOX's side")
    check("NAT-T is detected outside" in squeeze(show(far, LOOK + " detail")), "FAR's side")


def end(lab):
    for box in (lab.box("BOX"), lab.box("FAR")):
        show(box, "clear crypto ikev2 sa")
        poll(lambda: "There are no IKEv2 SAs" in show(box, LOOK), 10, f"{box.name} has no SA")


@contextlib.contextmanager
def tunnel(lab, **how):
    translate(lab, **how)
    equal(ping(lab, "inside", "10.20.0.1", count=3, wait=8), 3, "pings")
    try:
        yield lab.box("BOX"), lab.box("FAR")
    finally:
        end(lab)


@test
def the_box_behind_the_nat_initiates(lab):
    with tunnel(lab) as (box, far):
        agree(lab, "INITIATOR")
        address, port = there(lab)
        check(address == "198.51.100.1" and 20000 <= port <= 20099, f"{address}/{port}")
        equal(ping(lab, "far", "10.10.0.1", count=5), 5, "pings from the other side")
        for one, other in (("inside", "10.20.0.1"), ("far", "10.10.0.1")):
            equal(ping(lab, one, other, count=5, size=1400), 5, "long ones")


@test
def the_other_one_initiates_by_a_forwarded_port(lab):
    translate(lab, forward=True)
    equal(ping(lab, "far", "10.10.0.1", count=3, wait=8), 3, "pings")
    agree(lab, "RESPONDER")
    equal(there(lab), ("198.51.100.1", 4500), "BOX at FAR")
    equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings from behind")
    end(lab)


@test
def rekeys_of_either_side(lab):
    lifetime = "crypto map MAP 1 set security-association lifetime kilobytes"
    for name, one, other in (("BOX", "inside", "10.20.0.1"), ("FAR", "far", "10.10.0.1")):
        with configured(lab.box(name), f"{lifetime} 100", f"no {lifetime}"), \
                tunnel(lab) as (box, far):
            child = child_spis(box)
            poll(lambda: ping(lab, one, other, count=5, interval=0.01, size=1000) == 5 and
                 child_spis(box) != child, 60, f"a rekey of {name}'s")
            rekeyed("both", lambda: child_spis(box), child)
            poll(lambda: [c[::-1] for c in child_spis(far)] == child_spis(box), 10, "the same SPIs")
            check(there(lab), "no longer through the NAT")


@test
def a_mapping_changes_port_then_address(lab):
    network.ip("addr", "replace", "198.51.100.2/24", "dev", "eth1", ns=lab.ns("NAT"))
    with tunnel(lab) as (box, far):
        ours = ike_spis(box), child_spis(box)
        for address, ports in (("198.51.100.1", "30000-30099"), ("198.51.100.2", "20000-20099")):
            translate(lab, ports, address)
            got = ping(lab, "inside", "10.20.0.1", count=10)
            check(got >= 9, f"{got} of 10 pings: the first answer may go the old way, no other")
            at, port = there(lab)
            check(at == address and ports[0] == str(port)[0], f"{at}/{port} for {address} {ports}")
            equal(ping(lab, "far", "10.10.0.1", count=5), 5, "pings from the other side")
            equal((ike_spis(box), child_spis(box)), ours, "SAs that stay")
        agree(lab, "INITIATOR")


@test
def keepalives_hold_the_mapping(lab):
    limits = "".join(f"echo {IDLE_LIMIT} >/proc/sys/net/netfilter/nf_conntrack_udp_timeout{s}; "
                     for s in ("", "_stream"))
    at_router(lab, "sh", "-ec", limits)
    at_router(lab, "nft", "-f", "-", text=SEEN)
    with tempfile.TemporaryDirectory() as folder, tunnel(lab):
        pcap, select = os.path.join(folder, "pcap"), "udpencap.nat_keepalive"
        before = there(lab)

        def seen():
            return fields(folder, pcap, select, "frame.time_relative", "ip.src", "udp.srcport",
                          "ip.dst", "udp.dstport")

        def passed():
            listed = at_router(lab, "nft", "list", "table", "ip", "seen")
            return int(re.search(r"packets (\d+)", listed).group(1))

        with lab.capture("wan", pcap):
            poll(lambda: passed() >= 2, 120, "two keepalives")
        times = [float(k[0]) for k in seen()]
        check(times[1] - times[0] > KEEPALIVE - 2, f"more often than needed: {times}")
        equal({tuple(k[1:]) for k in seen()}, {(before[0], str(before[1]), "198.51.100.20", "4500")},
              "who sends keepalives: the one behind the NAT, on the mapping")
        equal([l for l in tshark(folder, pcap, "-Y", f"ip && !({select})")], [], "anything else")
        equal(ping(lab, "far", "10.10.0.1", count=3), 3, "pings from outside by the old mapping")
        equal(there(lab), before, "the mapping")


if __name__ == "__main__":
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nat-boxes-lab")
    run(lab_up(folder, "t-nat-boxes"))
