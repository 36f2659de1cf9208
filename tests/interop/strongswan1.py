#!/usr/bin/python3 -B
"""IKEv1 between our boxes and strongSwan: main mode with a shared key, suites of both dialects, both
roles, which policy and which lifetime is agreed on, and refusals in words.

strongSwan fakes a NAT, so that ESP travels in UDP 4500.
"""
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, squeeze, test  # noqa: E402
from swan import configure, configured  # noqa: E402
from swan1 import (ADDRESS, HOST, SA, agrees, clear, esp_spis, fixture, is_up, it_initiates,  # noqa: E402
                   log_of, none_left, peer, pings_pass, we_initiate)

ASA_POLICY = "crypto ikev1 policy 1\nauthentication pre-share\n"
IOS_POLICY = "crypto isakmp policy 1\nauthentication pre-share\n"
ASA_SET, IOS_SET = "crypto ipsec ikev1 transform-set SET", "crypto ipsec transform-set SET"
ASA_MAP, IOS_MAP = "crypto map MAP 1", "crypto map MAP 1 ipsec-isakmp\n"
# name: (box, our lines, strongSwan's words for both phases, how it shows them)
SUITES = {
    "aes-256 sha group 14": (
        "BOX", f"{ASA_POLICY}encryption aes-256\nhash sha\ngroup 14\n"
        f"{ASA_SET} esp-aes-256 esp-sha-hmac\nno {ASA_MAP} set pfs",
        "aes256-sha1-modp2048", "aes256-sha1",
        "AES_CBC-256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048", "AES_CBC-256/HMAC_SHA1_96"),
    "3des md5 group 2, pfs": (
        "BOX", f"{ASA_POLICY}encryption 3des\nhash md5\ngroup 2\n"
        f"{ASA_SET} esp-3des esp-md5-hmac\n{ASA_MAP} set pfs group2",
        "3des-md5-modp1024", "3des-md5-modp1024",
        "3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024", "3DES_CBC/HMAC_MD5_96/MODP_1024"),
    "aes-192 sha group 5, pfs": (
        "BOX", f"{ASA_POLICY}encryption aes-192\nhash sha\ngroup 5\n"
        f"{ASA_SET} esp-aes esp-sha-hmac\n{ASA_MAP} set pfs group14",
        "aes192-sha1-modp1536", "aes128-sha1-modp2048",
        "AES_CBC-192/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1536", "AES_CBC-128/HMAC_SHA1_96/MODP_2048"),
    "aes 256 sha256 group 14, pfs": (
        "R1", f"{IOS_POLICY}encr aes 256\nhash sha256\ngroup 14\n"
        f"{IOS_SET} esp-aes 256 esp-sha256-hmac\n{IOS_MAP}set pfs group14",
        "aes256-sha256-modp2048", "aes256-sha256-modp2048",
        "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048",
        "AES_CBC-256/HMAC_SHA2_256_128/MODP_2048"),
    "3des sha group 2": (
        "R1", f"{IOS_POLICY}encr 3des\nhash sha\ngroup 2\n"
        f"{IOS_SET} esp-3des esp-sha-hmac\n{IOS_MAP}no set pfs",
        "3des-sha1-modp1024", "3des-sha1",
        "3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024", "3DES_CBC/HMAC_SHA1_96"),
    "aes sha512 group 19, pfs": (
        "R1", f"{IOS_POLICY}encr aes\nhash sha512\ngroup 19\n"
        f"{IOS_SET} esp-aes esp-sha512-hmac\n{IOS_MAP}set pfs group19",
        "aes128-sha512-ecp256", "aes128-sha512-ecp256",
        "AES_CBC-128/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/ECP_256",
        "AES_CBC-128/HMAC_SHA2_512_256/ECP_256"),
    "aes 192 sha384 group 5, gcm, pfs": (
        "R1", f"{IOS_POLICY}encr aes 192\nhash sha384\ngroup 5\n"
        f"{IOS_SET} esp-gcm 256\n{IOS_MAP}set pfs group14",
        "aes192-sha384-modp1536", "aes256gcm16-modp2048",
        "AES_CBC-192/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/MODP_1536", "AES_GCM_16-256/MODP_2048"),
}
CBC, SHA256 = "aes-256 sha group 14", "aes 256 sha256 group 14, pfs"


def use(lab, suite):
    """Gives the suite to its box, without SAs of the last one. The box, and strongSwan's words."""
    name, text, ike, esp, *shown = SUITES[suite]
    box = lab.box(name)
    configure(box, text)
    clear(box)
    return box, ike, esp, shown


def with_suite(lab, suite):
    box, ike, esp, shown = use(lab, suite)
    with peer(lab, box.name, ike, esp) as charon:
        we_initiate(lab, box.name)
        pings_pass(lab, box.name, "we initiate")
        agrees(box, charon, "initiator", *shown)
        clear(box)
        poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 5,
             "our delete ends strongSwan's SA")
        it_initiates(charon)
        poll(lambda: esp_spis(box), 5, "our SA")
        agrees(box, charon, "responder", *shown)
        pings_pass(lab, box.name, "strongSwan initiated")
        r = charon.swanctl("--terminate", "--ike", box.name)
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: none_left(box), 5, "strongSwan's delete ends our SAs")
        check("TRANSACTION" not in charon.log(), "somebody asked for XAuth")


@test
def asa_aes_256_with_sha_1(lab):
    with_suite(lab, CBC)


@test
def asa_3des_with_md5_and_pfs(lab):
    with_suite(lab, "3des md5 group 2, pfs")


@test
def asa_different_groups_in_both_phases(lab):
    with_suite(lab, "aes-192 sha group 5, pfs")


@test
def ios_aes_256_with_sha_256_and_pfs(lab):
    with_suite(lab, SHA256)


@test
def ios_3des_with_sha_1(lab):
    with_suite(lab, "3des sha group 2")


@test
def ios_sha_512_with_an_elliptic_group(lab):
    with_suite(lab, "aes sha512 group 19, pfs")


@test
def ios_gcm_in_phase_2(lab):
    with_suite(lab, "aes 192 sha384 group 5, gcm, pfs")


@test
def aggressive_mode_where_it_is_not_disabled(lab):
    box, ike, esp, shown = use(lab, SHA256)
    with peer(lab, "R1", ike, esp, more="aggressive = yes") as charon:
        it_initiates(charon)
        agrees(box, charon, "responder", *shown)
        pings_pass(lab, "R1", "aggressive mode")
    clear(box)
    disable = "crypto isakmp aggressive-mode disable"
    with configured(box, disable, f"no {disable}"), \
            peer(lab, "R1", ike, esp, more="aggressive = yes") as charon:
        r = charon.swanctl("--initiate", "--child", "net", "--timeout", "3")
        check(r.returncode != 0, r.stdout)
        check(not is_up(box), "an SA in aggressive mode")


@test
def the_responder_s_order_of_policies_counts(lab):
    """We have AES-256 first and AES-128 second, strongSwan the other way round."""
    box, _, esp, shown = use(lab, SHA256)
    second = "crypto isakmp policy 2"
    text = f"{second}\nauthentication pre-share\nencr aes\nhash sha256\ngroup 14"
    both = "aes128-sha256-modp2048,aes256-sha256-modp2048"
    with configured(box, text, f"no {second}"), peer(lab, "R1", both, esp) as charon:
        it_initiates(charon)
        agrees(box, charon, "responder", *shown)
        clear(box)
        poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 5, "our delete")
        we_initiate(lab, "R1")
        agrees(box, charon, "initiator", shown[0].replace("256/", "128/", 1), shown[1])


def key_lifetime(box):
    """Seconds left of the SAs of phase 2."""
    return [int(s) for s in re.findall(r"key lifetime \(k\w*/sec\): \(\d+/(\d+)\)",
                                       show(box, "show crypto ipsec sa"))]


@test
def lifetimes_of_strongswan_that_are_shorter(lab):
    """Ours are a day and eight hours; its offer is 1,100 and 700 seconds."""
    box, ike, esp, _ = use(lab, CBC)
    with peer(lab, "BOX", ike, esp, more="rekey_time = 1000s\n    over_time = 100s",
              child="life_time = 700s\n        rekey_time = 600s") as charon:
        it_initiates(charon)
        detail = squeeze(show(box, "show crypto ikev1 sa detail"))
        check(detail.endswith(" 1100"), detail)
        left = key_lifetime(box)
        check(len(left) == 2 and 0 < max(left) <= 700, f"seconds left: {left}")
        pings_pass(lab, "BOX", "short lifetimes")


def said(box, before, pattern):
    """Until the log has a line like this behind what was there before."""
    return poll(lambda: re.search(pattern, log_of(box)[before:]), 20,
                f"{pattern!r} in our log")


@test
def a_wrong_key_is_told_in_words(lab):
    for suite in (CBC, SHA256):
        box, ike, esp, _ = use(lab, suite)
        with peer(lab, box.name, ike, esp, secret="not it") as charon:
            before = len(log_of(box))
            equal(ping(lab, HOST[box.name], "10.20.0.1", count=1, wait=1), 0, "pings")
            said(box, before, "possible key mismatch")
            before = len(log_of(box))
            clear(box)
            check(charon.swanctl("--initiate", "--child", "net", "--timeout", "5").returncode != 0,
                  "strongSwan got a tunnel")
            said(box, before, "possible key mismatch")
            check(not is_up(box), "an SA with a wrong key")


@test
def phase_1_proposals_that_do_not_meet_are_told_side_by_side(lab):
    for suite, configured_as in ((CBC, "AES-CBC-256, SHA1, group 14, pre-share"),
                                 (SHA256, "AES-CBC-256, SHA256, group 14, pre-share")):
        box, _, esp, _ = use(lab, suite)
        with peer(lab, box.name, "aes128-sha384-modp3072", esp) as charon:
            before = len(log_of(box))
            check(charon.swanctl("--initiate", "--child", "net", "--timeout", "5").returncode != 0,
                  "strongSwan got a tunnel")
            said(box, before, "no phase 1 proposal chosen with 198.51.100.20: offered "
                 r"\{AES-CBC-128, SHA384, group 15, pre-share\}.*; configured 1 "
                 rf"\{{{configured_as}\}}")
            before = len(log_of(box))
            equal(ping(lab, HOST[box.name], "10.20.0.1", count=1, wait=1), 0, "pings")
            said(box, before, "peer 198.51.100.20 says, unprotected: PROPOSAL_NOT_CHOSEN")
            check(not is_up(box), show(box, SA[box.name]))
        clear(box)


def refused(lab, suite, as_initiator, as_responder, **kw):
    """Phase 2 comes to nothing in either role; what our log says of each."""
    box, ike, esp, _ = use(lab, suite)
    kw.setdefault("esp", esp)
    with peer(lab, box.name, ike, **kw) as charon:
        before = len(log_of(box))
        equal(ping(lab, HOST[box.name], "10.20.0.1", count=1, wait=1), 0, "pings")
        said(box, before, "no SA with peer 198.51.100.20: " + as_initiator)
        before = len(log_of(box))
        check(charon.swanctl("--initiate", "--child", "net", "--timeout", "5").returncode != 0,
              "strongSwan got a tunnel")
        said(box, before, as_responder)
        check(is_up(box), "phase 1 has ended, too")
        equal(esp_spis(box), [], "SAs")
    clear(box)


@test
def phase_2_proposals_that_do_not_meet_are_told_side_by_side(lab):
    for suite, configured_as in ((CBC, "AES-CBC-256 SHA96 tunnel"),
                                 (SHA256, "AES-CBC-256 SHA256 group 14 tunnel")):
        refused(lab, suite, "No proposal chosen",
                r"no phase 2 proposal chosen with 198.51.100.20: offered \{ESP AES-CBC-128 SHA384 "
                rf"tunnel\}}; configured SET \{{ESP {configured_as}\}}", esp="aes128-sha384")


@test
def a_group_of_pfs_that_is_missing(lab):
    """We want group 14 in phase 2; strongSwan offers and takes none."""
    refused(lab, SHA256, "No proposal chosen",
            r"offered \{ESP AES-CBC-256 SHA256 tunnel\}; configured SET \{ESP AES-CBC-256 SHA256 "
            r"group 14 tunnel\}", esp="aes256-sha256")


@test
def networks_that_no_list_of_ours_has(lab):
    for suite, network in ((CBC, "10.10.0"), (SHA256, "10.11.0")):
        refused(lab, suite, "Traffic selectors unacceptable",
                rf"no access list permits what 198.51.100.20 wants to be protected: local {network}.0 "
                rf"- {network}.255, remote 10.99.0.0 - 10.99.0.255, protocol 0",
                theirs="10.99.0.0/24")


if __name__ == "__main__":
    run(fixture("t-swan1"))
