#!/usr/bin/python3 -B
"""Our box against strongSwan for longer: several children, rekeying, a dead peer, fragments,
cookies, and 100 MB through the tunnel.
"""
import contextlib
import hashlib
import os
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import (MANY_PROPOSALS, SECOND, SUITES, TWO, child_spis, configured,  # noqa: E402
                  fixture, ike_spis, peer, rekeyed, traffic, use)

GCM, CBC, X25519 = ("aes-gcm, group 14", "aes-cbc, sha256, group 21", "aes-gcm 128, group 31")
MEGABYTES = 100


@contextlib.contextmanager
def tunnel(lab, name, **kw):
    """The box and strongSwan with a suite, and traffic once."""
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[name]
    use(box, policy, proposal)
    with peer(lab, ike, esp, **kw) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
        yield box, charon


@test
def strongswan_replaces_child_and_ike_sa_under_traffic(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[GCM]
    use(box, policy, proposal)
    with peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
        with traffic(lab):
            for what, name, read in (("child", "net", child_spis), ("ike", "box", ike_spis),
                                     ("child", "net", child_spis)):
                before = read(box)
                r = charon.swanctl("--rekey", f"--{what}", name)
                equal(r.returncode, 0, r.stdout + r.stderr)
                rekeyed(f"strongSwan's rekey of the {what}", lambda: read(box), before)


@test
def we_replace_the_child_by_volume_under_traffic(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[CBC]
    use(box, policy, proposal)
    limit = "crypto ipsec security-association lifetime kilobytes"
    with configured(box, f"{limit} 200", f"no {limit}"), peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
        seen = set(child_spis(box))
        with traffic(lab):
            poll(lambda: seen.update(child_spis(box)) or len(seen) >= 3, 10, "two rekeys of ours")
        poll(lambda: charon.swanctl("--list-sas").stdout.count("INSTALLED") == 1, 5,
             "one child at strongSwan")


@test
def we_replace_child_and_ike_sa_by_time_under_traffic(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[X25519]
    use(box, policy + "\nlifetime seconds 120", proposal)
    limit = "crypto ipsec security-association lifetime seconds"
    more = "rekey_time = 0s\n    reauth_time = 0s"
    with configured(box, f"{limit} 120", f"no {limit}"), peer(lab, ike, esp, more=more) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
        child, sa = child_spis(box), ike_spis(box)
        with traffic(lab):
            poll(lambda: child_spis(box) != child and ike_spis(box) != sa, 118, "rekeys of ours")
        poll(lambda: charon.swanctl("--list-sas").stdout.count("INSTALLED") == 1, 10,
             "one child at strongSwan")


@test
def several_children_and_one_goes_alone(lab):
    box = lab.box("BOX")
    with configured(box, SECOND), tunnel(lab, GCM, children=TWO) as (_, charon):
        equal(ping(lab, "inside", "10.21.0.1", count=3), 3, "pings by the second child")
        equal(len(child_spis(box)), 2, show(box, "show crypto ikev2 sa"))
        equal(len(ike_spis(box)), 1, "IKE SAs")
        first = ike_spis(box)
        r = charon.swanctl("--terminate", "--child", "other")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: len(child_spis(box)) == 1, 5, "strongSwan's delete of one child")
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings by the other")
        equal(ping(lab, "inside", "10.21.0.1", count=3), 3, "pings when asked for again")
        equal(len(child_spis(box)), 2, "children")
        r = charon.swanctl("--rekey", "--child", "other")
        equal(r.returncode, 0, r.stdout + r.stderr)
        equal(ping(lab, "inside", "10.21.0.1", count=5), 5, "pings after its rekey")
        equal(ike_spis(box), first, "the IKE SA")


@test
def strongswan_opens_every_child(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[CBC]
    use(box, policy, proposal)
    with configured(box, SECOND), peer(lab, ike, esp, children=TWO) as charon:
        for name, *_ in TWO:
            r = charon.swanctl("--initiate", "--child", name)
            equal(r.returncode, 0, r.stdout + r.stderr)
        equal((len(child_spis(box)), len(ike_spis(box))), (2, 1), show(box, "show crypto ikev2 sa"))
        equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings by the first")
        equal(ping(lab, "inside", "10.21.0.1", count=3), 3, "pings by the second")


@test
def messages_in_fragments_both_ways(lab):
    """strongSwan cuts at 200 bytes; ours are above our 548 with many proposals."""
    box = lab.box("BOX")
    with configured(box, *MANY_PROPOSALS), \
            tunnel(lab, CBC, settings="fragment_size = 200", more="fragmentation = force") as (_, charon):
        check("parsed IKE_AUTH request 1 [ EF(2/" in charon.log(), "no fragments of ours")
        r = charon.swanctl("--terminate", "--ike", "box")
        equal(r.returncode, 0, r.stdout + r.stderr)
        r = charon.swanctl("--initiate", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        check("generating IKE_AUTH request 1 [ EF(2/" in charon.log(), "none of strongSwan's")
        equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings, strongSwan initiated")


@test
def cookies_of_ours(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[CBC]
    use(box, policy, proposal)
    with configured(box, "crypto ikev2 cookie-challenge always"), peer(lab, ike, esp) as charon:
        r = charon.swanctl("--initiate", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        check("COOKIE" in charon.log(), "we asked for no cookie:\n" + charon.log())
        equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings")


@test
def a_dead_strongswan_is_noticed_and_met_again(lab):
    group = "tunnel-group 198.51.100.20 ipsec-attributes\n"
    with configured(lab.box("BOX"), group + "isakmp keepalive threshold 10 retry 2",
                    group + "no isakmp keepalive"):
        dies_and_comes_back(lab)


def dies_and_comes_back(lab):
    more = "dpd_delay = 2s"
    with tunnel(lab, GCM, more=more) as (box, charon):
        before = ike_spis(box)
        poll(lambda: "INFORMATIONAL request" in charon.log(), 10, "strongSwan's liveness check")
        equal(ike_spis(box), before, "SAs that live")
        charon.kill()
        poll(lambda: "There are no IKEv2 SAs" in show(box, "show crypto ikev2 sa"), 40,
             "our liveness check")
    with tunnel(lab, GCM, more=more) as (box, charon):
        # killed, and back before we notice: its IKE_AUTH says INITIAL_CONTACT
        before = ike_spis(box)
        charon.kill()
    _, _, ike, esp, _ = SUITES[GCM]
    with peer(lab, ike, esp) as charon:
        r = charon.swanctl("--initiate", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        rekeyed("the new SA", lambda: ike_spis(box), before)
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings")


RECEIVER = """\
import hashlib, socket, sys
s = socket.create_server(("10.20.0.1", 5001))
print("ready", flush=True)
c, _ = s.accept()
h, n = hashlib.sha256(), 0
while True:
    part = c.recv(1 << 16)
    if not part:
        break
    h.update(part)
    n += len(part)
print(n, h.hexdigest(), flush=True)
"""
SENDER = """\
import socket, sys
block = bytes(range(256)) * 4096
c = socket.create_connection(("10.20.0.1", 5001))
for i in range(int(sys.argv[1])):
    c.sendall(block)
c.close()
"""


@test
def a_hundred_megabytes(lab):
    digest = hashlib.sha256()
    for _ in range(MEGABYTES):
        digest.update(bytes(range(256)) * 4096)
    with tunnel(lab, GCM) as (box, _):
        receiver = subprocess.Popen(["ip", "netns", "exec", lab.ns("peer"), "python3", "-c",
                                     RECEIVER], stdout=subprocess.PIPE, text=True)
        try:
            equal(receiver.stdout.readline().strip(), "ready", "the receiver")
            lab.host("inside", ["python3", "-c", SENDER, str(MEGABYTES)], timeout=1200, check=True)
            n, got = receiver.communicate(timeout=600)[0].split()
        finally:
            receiver.kill()
            receiver.wait()
        equal((int(n), got), (MEGABYTES << 20, digest.hexdigest()), "what arrived")
        equal(re.findall(r"#recv errors: (\d+)", show(box, "show crypto ipsec sa")), ["0"],
              squeeze(show(box, "show crypto ipsec sa")))


if __name__ == "__main__":
    run(fixture("t-swan-life", addresses=("10.20.0.1/24", "10.21.0.1/24")))
