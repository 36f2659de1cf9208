#!/usr/bin/python3 -B
"""Our box against libreswan (pluto), with native ESP; no kernel's ESP is needed.

Its SAs are taken in the kernel's place (xfrm_sa.c), and their keys must be ours. Pings in them are
answered by scapy (esp_peer.py). In one test the SAs are refused, as by a kernel without ESP.
"""
import contextlib
import csv
import os
import re
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import keys  # noqa: E402
from harness import check, equal, ping, poll, run, show, test  # noqa: E402
from pluto import Pluto  # noqa: E402
from swan import SUITES as BOX_SUITES  # noqa: E402
from swan import child_spis, configured, fixture, ike_spis, rekeyed, use  # noqa: E402

# The suites that swan.py has for the box, in libreswan's words: IKE, ESP, how it names the first.
SUITES = {
    "aes-cbc, sha256, group 19": (
        "aes256-sha2_256-dh19", "aes256-sha2_256",
        "cipher=AES_CBC_256 integ=HMAC_SHA2_256_128 prf=HMAC_SHA2_256 group=DH19"),
    "aes-cbc, sha256, group 21": (
        "aes256-sha2_256-dh21", "aes256-sha2_256",
        "cipher=AES_CBC_256 integ=HMAC_SHA2_256_128 prf=HMAC_SHA2_256 group=DH21"),
    "aes-gcm, group 14": (
        "aes_gcm256-sha2_384-dh14", "aes_gcm256",
        "cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_384 group=MODP2048"),
    "aes-gcm 128, group 31": (
        "aes_gcm128-sha2_256-dh31", "aes_gcm128",
        "cipher=AES_GCM_16_128 integ=n/a prf=HMAC_SHA2_256 group=DH31"),
    "aes-cbc 128, sha1, group 19; ESP sha512": (
        "aes128-sha1-dh19", "aes128-sha2_512",
        "cipher=AES_CBC_128 integ=HMAC_SHA1_96 prf=HMAC_SHA1 group=DH19"),
}
CBC, GCM = "aes-cbc, sha256, group 19", "aes-gcm, group 14"
PSK = "authenticated peer using authby=secret and ID_IPV4_ADDR '198.51.100.10'"


@contextlib.contextmanager
def pluto(lab, suite, ike=None, esp=None, **kw):
    """The box with a suite, and libreswan with the same; its log is shown when the block fails."""
    use(lab.box("BOX"), *BOX_SUITES[suite][:2])
    theirs = SUITES[suite]
    with tempfile.TemporaryDirectory() as folder:
        with Pluto(lab.ns("peer"), folder, ike or theirs[0], esp or theirs[1], **kw) as p:
            try:
                yield lab.box("BOX"), p
            except BaseException:
                print("".join(f"# pluto: {l}\n" for l in p.log().splitlines()[-40:]
                              if '"box"' in l or "packet" in l), end="")
                print("".join(f"# esp_peer: {l}\n" for l in p.data_log().splitlines()), end="")
                raise


def none_left(box):
    return "There are no IKEv2 SAs" in show(box, "show crypto ikev2 sa")


def we_initiate(lab):
    """Traffic asks for the tunnel; nobody is there to answer it."""
    equal(ping(lab, "inside", "10.20.0.1", count=1, wait=1), 0, "pings")


def pings(lab, what):
    equal(ping(lab, "inside", "10.20.0.1", count=5), 5, f"pings, {what}")


def it_initiates(p):
    r = p.whack("--initiate", "--name", "box")
    check("established Child SA" in r.stdout, r.stdout + r.stderr)


def our_keys(box):
    """SPI → keys, integrity's first as libreswan has it; those of SAs that ended, too."""
    found = {}
    for _, _, _, spi, _, cipher, _, integrity in csv.reader(keys.read(box)["esp"]):
        found[int(spi, 16)] = [k[2:] for k in (integrity, cipher) if k]
    return found


def same_keys(box, p):
    """libreswan has the two SAs that we show, with the keys that we have."""
    shown = {int(spi, 16) for pair in child_spis(box) for spi in pair}
    theirs = p.sas()
    return len(shown) == 2 and shown == set(theirs) and theirs.items() <= our_keys(box).items()


def agrees(box, p, role):
    """One tunnel on either side, with the same SPIs and the same keys."""
    poll(lambda: same_keys(box, p), 10, "the same keys on both sides")
    ours = show(box, "show crypto ikev2 sa")
    check(re.search(rf"198\.51\.100\.20/500 +READY +{role}", ours), ours)
    equal(len(ike_spis(box)), 1, ours)


def with_suite(lab, name):
    with pluto(lab, name, data=True) as (box, p):
        pings(lab, "we initiate")
        agrees(box, p, "INITIATOR")
        check(f"sent IKE_SA_INIT reply {{{SUITES[name][2]}}}" in p.log(), "another suite")
        check("responder established IKE SA; " + PSK in p.log(), "not by the shared secret")
        show(box, "clear crypto ikev2 sa")
        poll(lambda: not p.sas(), 10, "our delete ends libreswan's SAs")
        it_initiates(p)
        agrees(box, p, "RESPONDER")
        pings(lab, "libreswan initiated")
        check(f"sent IKE_AUTH request {{{SUITES[name][2]}}}" in p.log(), "another suite")
        check("initiator established IKE SA; " + PSK in p.log(), "not by the shared secret")
        p.whack("--terminate", "--name", "box")
        poll(lambda: none_left(box), 10, "libreswan's delete ends our SA")
        check("There are no ipsec sas" in show(box, "show crypto ipsec sa"), "ESP SAs after it")


@test
def cbc_with_group_19(lab):
    with_suite(lab, CBC)


@test
def cbc_with_group_21(lab):
    with_suite(lab, "aes-cbc, sha256, group 21")


@test
def gcm_in_both_phases_with_group_14(lab):
    with_suite(lab, GCM)


@test
def gcm_128_with_curve25519(lab):
    with_suite(lab, "aes-gcm 128, group 31")


@test
def the_old_suite(lab):
    with_suite(lab, "aes-cbc 128, sha1, group 19; ESP sha512")


def rekeys(lab, suite, pfs, group, esp):
    """libreswan replaces child and IKE SA, then we the child, by volume; `group`: in its words."""
    entry = "crypto map MAP 1 set"
    lifetime = f"{entry} security-association lifetime kilobytes"
    with configured(lab.box("BOX"), f"{entry} pfs {pfs}\n{lifetime} 200",
                    f"no {entry} pfs\nno {lifetime}"), \
            pluto(lab, suite, esp=esp, more="pfs=yes", data=True) as (box, p):
        it_initiates(p)
        for what, read, says in (
                ("ipsec", child_spis, rf"initiator rekeyed Child SA .*-{group} "),
                ("ike", ike_spis, r"initiator rekeyed IKE SA")):
            before = read(box)
            r = p.whack(f"--rekey-{what}", "--name", "box")
            check(re.search(says, r.stdout), r.stdout + r.stderr)
            rekeyed("libreswan's rekey", lambda: read(box), before)
            poll(lambda: same_keys(box, p), 10, "the same keys after libreswan's rekey")
            pings(lab, "after libreswan's rekey")
        before = child_spis(box)

        def replaced():
            ping(lab, "inside", "10.20.0.1", count=8, interval=0.002, wait=0.02, size=1000)
            return child_spis(box) != before

        poll(replaced, 60, "our rekey, before 200 kB are gone")
        poll(lambda: same_keys(box, p), 10, "the same keys after our rekey")
        pings(lab, "after our rekey")
        check(re.search(rf"responder rekeyed Child SA .*-{group} ", p.log()), "another exchange")


@test
def rekeys_with_pfs_and_group_19(lab):
    rekeys(lab, CBC, "group19", "DH19", "aes256-sha2_256-dh19")


@test
def rekeys_with_pfs_and_group_14(lab):
    rekeys(lab, GCM, "group14", "MODP2048", "aes_gcm256-none-dh14")


@test
def the_first_guess_of_the_group_is_wrong(lab):
    """INVALID_KE_PAYLOAD (RFC 7296 §1.2) said by us, then by libreswan."""
    with pluto(lab, CBC, ike="aes256-sha2_256-dh14,aes256-sha2_256-dh19") as (box, p):
        it_initiates(p)
        check("INVALID_KE_PAYLOAD" in p.log(), "libreswan guessed right")
        agrees(box, p, "RESPONDER")
    with pluto(lab, CBC) as (box, p):
        with configured(box, "crypto ikev2 policy 1\ngroup 14 19", "crypto ikev2 policy 1\ngroup 19"):
            we_initiate(lab)
            check("INVALID_KE_PAYLOAD" in p.log(), "we guessed right")
            agrees(box, p, "INITIATOR")


@test
def cookies_of_either_side(lab):
    with pluto(lab, CBC, options=("--force-busy",)) as (box, p):
        we_initiate(lab)
        agrees(box, p, "INITIATOR")
        check("COOKIE" in p.log(), "libreswan asked for no cookie")
    with configured(lab.box("BOX"), "crypto ikev2 cookie-challenge always"):
        with pluto(lab, CBC) as (box, p):
            it_initiates(p)
            agrees(box, p, "RESPONDER")
            check("COOKIE" in p.log(), "we asked for no cookie")


@test
def liveness_checks_of_libreswan(lab):
    more = "dpddelay=1\n    dpdtimeout=10\n    dpdaction=clear"
    with pluto(lab, CBC, more=more) as (box, p):
        it_initiates(p)
        sa = ike_spis(box)

        def asked():
            m = re.search(r"Remote next mess id: (\d+)", show(box, "show crypto ikev2 sa detail"))
            return m and int(m.group(1)) >= 4

        poll(asked, 20, "two liveness checks after IKE_SA_INIT and IKE_AUTH")
        equal(ike_spis(box), sa, "an SA that lives")
        agrees(box, p, "RESPONDER")


@test
def a_wrong_secret_brings_no_tunnel_in_either_direction(lab):
    with pluto(lab, CBC, secret="not it") as (box, p):
        we_initiate(lab)
        p.whack("--initiate", "--asynchronous", "--name", "box")
        poll(lambda: "AUTHENTICATION_FAILED" in p.log() and
             re.search(r"authentication failed", p.log(), re.I), 10, "refusals")
        check("READY" not in show(box, "show crypto ikev2 sa"), "an SA with a wrong secret")
        equal(p.sas(), {}, "libreswan's SAs")


@test
def proposals_that_do_not_meet_bring_no_tunnel(lab):
    with pluto(lab, CBC, ike="aes128-sha1-dh14") as (box, p):
        we_initiate(lab)
        p.whack("--initiate", "--asynchronous", "--name", "box")
        poll(lambda: p.log().count("NO_PROPOSAL_CHOSEN") >= 2, 10, "refusals of both")
        check("READY" not in show(box, "show crypto ikev2 sa"), "an SA without a common proposal")


@test
def a_kernel_that_refuses_leaves_nothing_with_us(lab):
    with pluto(lab, CBC, refuse=True) as (box, p):
        processes = box.processes()
        we_initiate(lab)
        check("responder established IKE SA; " + PSK in p.log(), "no IKE SA")
        check("errno 93" in p.log(), "the kernel took the SA")
        poll(lambda: none_left(box), 10, "nothing left of what libreswan refused in IKE_AUTH")
        p.whack("--initiate", "--asynchronous", "--name", "box")
        poll(lambda: "initiator established IKE SA; " + PSK in p.log(), 10, "the other way round")
    # It has forgotten the SA without a word: our liveness check ends it.
    poll(lambda: none_left(box), 60, "our SAs gone")
    check("There are no ipsec sas" in show(box, "show crypto ipsec sa"), "ESP SAs")
    equal(box.processes(), processes, "processes")


if __name__ == "__main__":
    run(fixture("t-libreswan"))
