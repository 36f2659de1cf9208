#!/usr/bin/python3 -B
"""Our box against strongSwan with IKEv1: suites, roles, both modes, rekeys, liveness, refusals.

strongSwan fakes a NAT, so that IKE goes on at port 4500 and ESP travels in UDP.
"""
import contextlib
import os
import re
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from charon import Charon  # noqa: E402
from harness import check, equal, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import configure, connection, fixture  # noqa: E402

BASE = ("aes256-sha256-modp2048", "aes256-sha256")
# name: (isakmp policy, transform set, mode of the map, strongSwan's words for both)
SUITES = {
    "aes 256, sha256, group 14": (
        "encr aes 256\nhash sha256\ngroup 14", "esp-aes 256 esp-sha256-hmac", "", *BASE),
    "3des, sha, group 2": (
        "encr 3des\nhash sha\ngroup 2", "esp-3des esp-sha-hmac", "",
        "3des-sha1-modp1024", "3des-sha1"),
    "aes 128, sha384, group 19; PFS": (
        "encr aes\nhash sha384\ngroup 19", "esp-aes esp-sha384-hmac", "set pfs group19",
        "aes128-sha384-ecp256", "aes128-sha384-ecp256"),
    "aes 192, sha512, group 5; GCM": (
        "encr aes 192\nhash sha512\ngroup 5", "esp-gcm 256", "set pfs group14",
        "aes192-sha512-modp1536", "aes256gcm16-modp2048"),
}


@contextlib.contextmanager
def peer(lab, ike=BASE[0], esp=BASE[1], more="", **kw):
    text = connection(ike, esp, more=more, **kw).replace("version = 2", "version = 1")
    with tempfile.TemporaryDirectory() as folder:
        with Charon(lab.ns("peer"), folder, text) as charon:
            try:
                yield charon
            except BaseException:
                print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-80:]), end="")
                raise
            finally:
                clear(lab.box("BOX"))


def clear(box):
    show(box, "clear crypto session")
    poll(lambda: "QM_IDLE" not in show(box, "show crypto isakmp sa"), 10, "no SA is left")


def use(box, policy, transforms, pfs):
    configure(box, "no crypto isakmp policy 10\ncrypto isakmp policy 10\nauthentication pre-share\n"
              + policy + f"\ncrypto ipsec transform-set SET {transforms}\n"
              "crypto map MAP 1 ipsec-isakmp\n" + (pfs or "no set pfs") + "\nexit")
    clear(box)


def spis(box):
    return re.findall(r"^\s*spi: 0x([0-9A-F]+)", show(box, "show crypto ipsec sa"), re.M)


def agrees(box, charon):
    """Both ends show one tunnel with the same SPIs."""
    ours = squeeze(show(box, "show crypto isakmp sa"))
    check("QM_IDLE" in ours, ours)
    theirs = charon.swanctl("--list-sas").stdout
    check("IKEv1" in theirs and "TUNNEL-in-UDP" in theirs, theirs)
    m = spis(box)
    check(len(m) == 2, show(box, "show crypto ipsec sa"))
    for word, spi in zip(("out", "in"), m):
        check(re.search(rf"\b{word}\s+{int(spi, 16):08x}\b", theirs), f"{m}\n{theirs}")


def we_initiate(lab):
    poll(lambda: ping(lab, "inside", "10.20.0.1", count=1, wait=1) == 1, 10, "a tunnel of ours")
    equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings, we initiate")


def they_initiate(lab, charon):
    r = charon.swanctl("--initiate", "--child", "net")
    equal(r.returncode, 0, r.stdout + r.stderr)
    equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings, strongSwan initiated")


def both_roles(lab, name):
    box = lab.box("BOX")
    policy, transforms, pfs, ike, esp = SUITES[name]
    use(box, policy, transforms, pfs)
    with peer(lab, ike, esp) as charon:
        we_initiate(lab)
        agrees(box, charon)
        clear(box)
        poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 10,
             "our deletes end strongSwan's SAs")
        they_initiate(lab, charon)
        agrees(box, charon)
        r = charon.swanctl("--terminate", "--ike", "box")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: "QM_IDLE" not in show(box, "show crypto isakmp sa") and not spis(box), 10,
             "strongSwan's deletes end our SAs")


@test
def aes_256_sha256_group_14(lab):
    both_roles(lab, "aes 256, sha256, group 14")


@test
def triple_des_sha1_group_2(lab):
    both_roles(lab, "3des, sha, group 2")


@test
def elliptic_group_with_pfs(lab):
    both_roles(lab, "aes 128, sha384, group 19; PFS")


@test
def gcm_in_phase_2(lab):
    both_roles(lab, "aes 192, sha512, group 5; GCM")


@test
def the_first_policy_of_ours_that_fits(lab):
    box = lab.box("BOX")
    use(box, *SUITES["aes 256, sha256, group 14"][:3])
    configure(box, "crypto isakmp policy 5\nencr aes 128\nhash sha\nauthentication pre-share\n"
              "group 14\nexit")
    with peer(lab, "aes256-sha256-modp2048,aes128-sha1-modp2048") as charon:
        they_initiate(lab, charon)
        check("AES_CBC-128/HMAC_SHA1_96" in charon.swanctl("--list-sas").stdout,
              charon.swanctl("--list-sas").stdout)
    configure(box, "no crypto isakmp policy 5")


@test
def strongswan_begins_with_aggressive_mode(lab):
    use(lab.box("BOX"), *SUITES["aes 256, sha256, group 14"][:3])
    with peer(lab, more="aggressive = yes") as charon:
        they_initiate(lab, charon)
        agrees(lab.box("BOX"), charon)


@test
def aggressive_mode_is_refused_when_it_is_disabled(lab):
    box = lab.box("BOX")
    configure(box, "crypto isakmp aggressive-mode disable")
    with peer(lab, more="aggressive = yes") as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "3")
        check(r.returncode != 0, r.stdout)
        check("QM_IDLE" not in show(box, "show crypto isakmp sa"), "an SA")
    configure(box, "no crypto isakmp aggressive-mode disable")


@test
def rekeys_by_strongswan(lab):
    box = lab.box("BOX")
    with peer(lab) as charon:
        they_initiate(lab, charon)
        before = spis(box)
        r = charon.swanctl("--rekey", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: set(spis(box)) - set(before), 10, "another child")
        equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings after the child's rekey")
        r = charon.swanctl("--rekey", "--ike", "box", "--reauth")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: ping(lab, "inside", "10.20.0.1", count=1, wait=1) == 1, 10,
             "pings after phase 1 anew")
        check("QM_IDLE" in show(box, "show crypto isakmp sa"), "no SA")


@test
def liveness_asked_by_strongswan(lab):
    with peer(lab, more="dpd_delay = 2s") as charon:
        they_initiate(lab, charon)
        poll(lambda: re.search(r"parsed INFORMATIONAL_V1 request .*N\(DPD_ACK\)", charon.log()),
             20, "we answer strongSwan's question")


@test
def liveness_asked_by_us(lab):
    """A strongSwan that is killed is noticed."""
    with peer(lab) as charon:
        they_initiate(lab, charon)
        poll(lambda: re.search(r"generating INFORMATIONAL_V1 request .*N\(DPD_ACK\)", charon.log()),
             30, "strongSwan answers our question")
        charon.kill()
        poll(lambda: "QM_IDLE" not in show(lab.box("BOX"), "show crypto isakmp sa"), 40,
             "the peer is found dead")


@test
def another_key_is_refused_and_told(lab):
    box = lab.box("BOX")
    with peer(lab, secret="another") as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "5")
        check(r.returncode != 0, r.stdout)
        check("possible key mismatch" in box.tail(40), "not told")


@test
def no_proposal_in_common(lab):
    box = lab.box("BOX")
    with peer(lab, ike="aes128-sha1-modp1024") as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "5")
        check("NO_PROP" in r.stdout + charon.log(), r.stdout)
    with peer(lab, esp="aes128-sha1") as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "5")
        check("NO_PROP" in r.stdout + charon.log(), r.stdout)
    with peer(lab, children=(("net", "10.99.0.0/24", "10.10.0.0/24"),)) as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "5")
        check("INVAL_ID" in r.stdout + charon.log(), r.stdout)


if __name__ == "__main__":
    run(fixture("t-strongswan-v1", "strongswan-v1-lab"))
