#!/usr/bin/python3 -B
"""IKEv1 between our ASA and libreswan (pluto), with native ESP; see libreswan.py."""
import contextlib
import os
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, test  # noqa: E402
from pluto import Pluto  # noqa: E402
from swan import configure  # noqa: E402
from swan1 import clear, esp_spis, fixture, is_up, log_of, none_left, pings_pass, role  # noqa: E402

POLICY, SET = "crypto ikev1 policy 1\n", "crypto ipsec ikev1 transform-set SET"
# name: (our lines, libreswan's words for both phases, what is more in its connection)
SUITES = {
    "aes-256": (f"{POLICY}encryption aes-256\nhash sha\ngroup 14\n{SET} esp-aes-256 esp-sha-hmac\n"
                "no crypto map MAP 1 set pfs", "aes256-sha1-modp2048", "aes256-sha1", "pfs=no"),
    "aes-128, pfs": (f"{POLICY}encryption aes\nhash sha\ngroup 5\n{SET} esp-aes esp-sha-hmac\n"
                     "crypto map MAP 1 set pfs group14", "aes128-sha1-modp1536",
                     "aes128-sha1-modp2048", "pfs=yes"),
}


@contextlib.contextmanager
def pluto(lab, suite, ike=None, **kw):
    box = lab.box("BOX")
    text, theirs, esp, more = SUITES[suite]
    configure(box, text)
    clear(box)
    with tempfile.TemporaryDirectory() as folder:
        with Pluto(lab.ns("peer"), folder, ike or theirs, esp, more=more, version="no", **kw) as p:
            try:
                yield box, p
            except BaseException:
                print("".join(f"# pluto: {l}\n" for l in p.log().splitlines()[-40:]), end="")
                print("".join(f"# esp_peer: {l}\n" for l in p.data_log().splitlines()), end="")
                raise
    clear(box)


def agrees(box, p, want):
    """One tunnel, with the same SPIs at both ends."""
    poll(lambda: len(esp_spis(box)) == 1 and set(esp_spis(box)[0]) == set(p.sas()), 10,
         "the same SPIs on both sides")
    check(is_up(box), "phase 1")
    equal(role(box), want, "role")


def both_roles(lab, suite):
    with pluto(lab, suite, data=True) as (box, p):
        poll(lambda: ping(lab, "inside", "10.20.0.1", count=1, wait=2), 20, "a first answer")
        pings_pass(lab, "BOX", "we initiate")
        agrees(box, p, "initiator")
        clear(box)
        poll(lambda: not p.sas(), 10, "our delete ends libreswan's SAs")
        r = p.whack("--initiate", "--name", "box")
        check("IPsec SA established" in r.stdout, r.stdout + r.stderr)
        agrees(box, p, "responder")
        pings_pass(lab, "BOX", "libreswan initiated")
        p.whack("--terminate", "--name", "box")
        poll(lambda: none_left(box), 10, "libreswan's delete ends our SAs")


@test
def aes_256_without_pfs(lab):
    both_roles(lab, "aes-256")


@test
def aes_128_with_pfs(lab):
    both_roles(lab, "aes-128, pfs")


@test
def a_wrong_key(lab):
    with pluto(lab, "aes-256", secret="not it") as (box, p):
        before = len(log_of(box))
        p.whack("--initiate", "--asynchronous", "--name", "box")
        poll(lambda: "possible key mismatch" in log_of(box)[before:], 20, "told in our log")
        check(not is_up(box), show(box, "show crypto ikev1 sa"))
        equal(p.sas(), {}, "libreswan's SAs")


@test
def no_common_proposal(lab):
    with pluto(lab, "aes-256", ike="3des-md5-modp1536") as (box, p):
        before = len(log_of(box))
        p.whack("--initiate", "--asynchronous", "--name", "box")
        poll(lambda: "no phase 1 proposal chosen with 198.51.100.20: offered {3DES, MD5, group 5"
             in log_of(box)[before:], 20, "told in our log")
        check(not is_up(box), show(box, "show crypto ikev1 sa"))


if __name__ == "__main__":
    run(fixture("t-libreswan1"))
