#!/usr/bin/python3 -B
"""Our box against strongSwan (charon-systemd, kernel-libipsec): suites, roles, refusals.

strongSwan fakes a NAT, so that ESP travels in UDP 4500. Each suite is tried with us as the
initiator, then with strongSwan as the initiator.
"""
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, test  # noqa: E402
from swan import SUITES, agrees, fixture, peer, use  # noqa: E402


def with_suite(lab, name):
    box = lab.box("BOX")
    policy, proposal, ike, esp, suite = SUITES[name]
    use(box, policy, proposal)
    with peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings, we initiate")
        agrees(box, charon, "INITIATOR", suite)
        show(box, "clear crypto ikev2 sa")
        poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 5,
             "our delete ends strongSwan's SA")
        r = charon.swanctl("--initiate", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        agrees(box, charon, "RESPONDER", suite)
        equal(ping(lab, "inside", "10.20.0.1", count=5), 5, "pings, strongSwan initiated")
        r = charon.swanctl("--terminate", "--ike", "box")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: "There are no IKEv2 SAs" in show(box, "show crypto ikev2 sa"), 5,
             "strongSwan's delete ends our SA")


@test
def cbc_with_an_elliptic_group(lab):
    with_suite(lab, "aes-cbc, sha256, group 21")


@test
def gcm_in_both_phases_with_a_modp_group(lab):
    with_suite(lab, "aes-gcm, group 14")


@test
def gcm_128_with_curve25519(lab):
    with_suite(lab, "aes-gcm 128, group 31")


@test
def cbc_with_group_19(lab):
    with_suite(lab, "aes-cbc, sha256, group 19")


@test
def the_old_suite(lab):
    with_suite(lab, "aes-cbc 128, sha1, group 19; ESP sha512")


@test
def a_wrong_secret_brings_no_tunnel_in_either_direction(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES["aes-cbc, sha256, group 21"]
    use(box, policy, proposal)
    with peer(lab, ike, esp, secret="not it") as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=1, wait=3), 0, "pings")
        check(charon.swanctl("--initiate", "--child", "net", "--timeout", "5").returncode != 0,
              "strongSwan got a tunnel")
        check("READY" not in show(box, "show crypto ikev2 sa"), "an SA with a wrong secret")


@test
def proposals_that_do_not_meet_bring_no_tunnel(lab):
    box = lab.box("BOX")
    policy, proposal, _, esp, _ = SUITES["aes-cbc, sha256, group 21"]
    use(box, policy, proposal)
    with peer(lab, "aes128-sha1-modp2048", esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=1, wait=3), 0, "pings")
        poll(lambda: "no acceptable" in charon.log().lower() or "NO_PROP" in charon.log(), 5,
             "strongSwan's refusal")
        check("READY" not in show(box, "show crypto ikev2 sa"), "an SA without a common proposal")


if __name__ == "__main__":
    run(fixture())
