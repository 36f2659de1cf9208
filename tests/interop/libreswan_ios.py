#!/usr/bin/python3 -B
"""Our IOS box and libreswan (pluto), IKEv1 and IKEv2, with native ESP; see libreswan.py."""
import contextlib
import os
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, poll, run, show, test  # noqa: E402
from pluto import Pluto  # noqa: E402
from swan import configure, configured  # noqa: E402
from swan1 import (ADDRESS, NETWORK, esp_spis, fixture, is_up, log_of, pings_pass,  # noqa: E402
                   role, we_initiate)

ISAKMP = "crypto isakmp policy 1\nauthentication pre-share\n"
SET, MAP = "crypto ipsec transform-set SET", "crypto map MAP 1 ipsec-isakmp\n"
# name: (version, our lines, libreswan's words for both phases, what is more in its connection)
SUITES = {
    "v1, aes 256, sha256, pfs": (
        1, f"{ISAKMP}encr aes 256\nhash sha256\ngroup 14\n{SET} esp-aes 256 esp-sha256-hmac\n"
        f"{MAP}set pfs group14", "aes256-sha2_256-modp2048", "aes256-sha2_256-modp2048", "pfs=yes"),
    "v1, aes 128, sha": (
        1, f"{ISAKMP}encr aes\nhash sha\ngroup 5\n{SET} esp-aes esp-sha-hmac\n{MAP}no set pfs",
        "aes128-sha1-modp1536", "aes128-sha1", "pfs=no"),
    "v2, aes 256, sha256": (
        2, "crypto ikev2 proposal P\nencryption aes-cbc-256\nintegrity sha256\ngroup 19\n"
        f"{SET} esp-aes 256 esp-sha256-hmac\n{MAP}no set pfs", "aes256-sha2_256-dh19",
        "aes256-sha2_256", "pfs=no"),
    "v2, gcm": (
        2, "no crypto ikev2 proposal P\ncrypto ikev2 proposal P\nencryption aes-gcm-256\n"
        f"prf sha256\ngroup 14\n{SET} esp-gcm 256\n{MAP}no set pfs",
        "aes_gcm256-sha2_256-dh14", "aes_gcm256", "pfs=no"),
}
IKEV2 = f"""\
crypto ikev2 policy POL
proposal P
crypto ikev2 keyring RING
peer THERE
address 198.51.100.20
pre-shared-key Shared-Secret
crypto ikev2 profile PROF
match identity remote address 198.51.100.20 255.255.255.255
identity local address {ADDRESS["R1"]}
authentication remote pre-share
authentication local pre-share
keyring local RING
{MAP}set ikev2-profile PROF
"""
BACK = f"{MAP}no set ikev2-profile PROF"


def clear(box):
    show(box, "clear crypto session")
    poll(lambda: none_left(box), 10, "no SA is left")


def none_left(box):
    return not is_up(box) and "READY" not in show(box, "show crypto ikev2 sa") \
        and not esp_spis(box)


@contextlib.contextmanager
def pluto(lab, suite, **kw):
    box = lab.box("R1")
    version, text, ike, esp, more = SUITES[suite]
    configure(box, text)
    with contextlib.ExitStack() as stack:
        if version == 2:
            stack.enter_context(configured(box, IKEV2, BACK))
        clear(box)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        p = stack.enter_context(Pluto(lab.ns("peer"), folder, ike, esp, more=more,
                                      version="no" if version == 1 else "yes",
                                      right=ADDRESS["R1"], behind=NETWORK["R1"], **kw))
        try:
            yield box, p, version
        except BaseException:
            print("".join(f"# pluto: {l}\n" for l in p.log().splitlines()[-40:]), end="")
            print("".join(f"# esp_peer: {l}\n" for l in p.data_log().splitlines()), end="")
            raise
        clear(box)


def agrees(box, p, version, want):
    """One tunnel, with the same SPIs at both ends."""
    poll(lambda: len(esp_spis(box)) == 1 and set(esp_spis(box)[0]) == set(p.sas()), 10,
         "the same SPIs on both sides")
    if version == 1:
        equal(role(box), want, "role")
    else:
        text = show(box, "show crypto ikev2 sa detail")
        check("READY" in text, text)
        check(f"Initiator of SA : {'Yes' if want == 'initiator' else 'No'}" in text, text)


def both_roles(lab, suite):
    with pluto(lab, suite, data=True) as (box, p, version):
        we_initiate(lab, "R1")
        pings_pass(lab, "R1", "we initiate")
        agrees(box, p, version, "initiator")
        clear(box)
        poll(lambda: not p.sas(), 10, "our delete ends libreswan's SAs")
        r = p.whack("--initiate", "--name", "box")
        check("IPsec SA established" in r.stdout or "established Child SA" in r.stdout,
              r.stdout + r.stderr)
        agrees(box, p, version, "responder")
        pings_pass(lab, "R1", "libreswan initiated")
        p.whack("--terminate", "--name", "box")
        poll(lambda: none_left(box), 10, "libreswan's delete ends our SAs")


@test
def ikev1_aes_256_with_sha_256_and_pfs(lab):
    both_roles(lab, "v1, aes 256, sha256, pfs")


@test
def ikev1_aes_128_with_sha_1(lab):
    both_roles(lab, "v1, aes 128, sha")


@test
def ikev2_aes_256_with_sha_256(lab):
    both_roles(lab, "v2, aes 256, sha256")


@test
def ikev2_gcm_in_both_phases(lab):
    both_roles(lab, "v2, gcm")


@test
def a_wrong_key(lab):
    for suite, words in (("v1, aes 128, sha", "possible key mismatch"),
                         ("v2, aes 256, sha256", "Authentication failed")):
        with pluto(lab, suite, secret="not it") as (box, p, _):
            before = len(log_of(box))
            p.whack("--initiate", "--asynchronous", "--name", "box")
            poll(lambda: words in log_of(box)[before:], 20, "told in our log")
            check(none_left(box), "an SA")
            equal(p.sas(), {}, "libreswan's SAs")


if __name__ == "__main__":
    run(fixture("t-libreswan-ios"))
