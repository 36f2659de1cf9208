#!/usr/bin/python3 -B
"""Our box against strongSwan, the rarer parts of IKEv2: cookies that strongSwan asks for, PFS,
fragments as a decoder sees them, a single child that we delete.
"""
import os
import re
import struct
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import keys  # noqa: E402
from decode import AUTH, PAYLOADS_AUTH, SKF, fields, well_formed  # noqa: E402
from harness import check, equal, ping, poll, run, show, test  # noqa: E402
from swan import (MANY_PROPOSALS, SECOND, SUITES, TWO, agrees, child_spis, configured,  # noqa: E402
                  fixture, ike_spis, peer, rekeyed, traffic, use)

GCM, CBC = "aes-gcm, group 14", "aes-cbc, sha256, group 19"
STRANGER = "198.51.100.77"  # an address of strongSwan's node that begins and never goes on
ASK = """\
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
s.settimeout(100)
s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[2], 500))
sys.stdout.write(s.recv(65535).hex())
"""


def payload(following, body):
    return struct.pack(">BBH", following, 0, 4 + len(body)) + body


def transform(last, kind, number, bits=0):
    attribute = struct.pack(">HH", 0x800E, bits) if bits else b""
    return struct.pack(">BBHBBH", 0 if last else 3, 0, 8 + len(attribute), kind, 0,
                       number) + attribute


def ike_sa_init():
    """RFC 7296 §3: SA (AES-GCM-256, PRF SHA-384, group 14), KE and Nonce of an initiator."""
    transforms = transform(False, 1, 20, 256) + transform(False, 2, 6) + transform(True, 4, 14)
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, 3) + transforms
    body = (payload(34, proposal) + payload(40, struct.pack(">HH", 14, 0) + b"\2" * 256) +
            payload(0, os.urandom(32)))
    return os.urandom(8) + bytes(8) + struct.pack(">BBBBII", 33, 0x20, 34, 8, 0,
                                                  28 + len(body)) + body


def half_open(lab):
    """One IKE_SA_INIT from elsewhere, which strongSwan answers and then waits for the rest of."""
    r = lab.host("peer", ["python3", "-c", ASK, STRANGER, "198.51.100.20", ike_sa_init().hex()],
                 capture_output=True, text=True, timeout=300)
    answer = bytes.fromhex(r.stdout)
    check(len(answer) > 28 and answer[16] == 33 and any(answer[8:16]),
          f"no answer with an SA payload: {r.stdout} {r.stderr}")


@test
def cookies_of_strongswan(lab):
    """It asks for one as soon as somebody is half-open; then for another group as well."""
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[GCM]
    settings = "cookie_threshold = 1\n  half_open_timeout = 300"
    for groups, refused in (("14", 0), ("19 14", 1)):
        use(box, policy.replace("group 14", f"group {groups}"), proposal)
        with peer(lab, ike, esp, settings, remote="%any", remote_id="198.51.100.10") as charon:
            half_open(lab)
            equal(ping(lab, "inside", "10.20.0.1", count=3), 3, "pings")
            said = charon.log()
            check(re.search(r"generating IKE_SA_INIT response 0 \[ N\(COOKIE\) \]", said),
                  "strongSwan asked for no cookie")
            check(re.search(r"parsed IKE_SA_INIT request 0 \[ N\(COOKIE\) ", said), "none came")
            equal(len(re.findall(r"generating IKE_SA_INIT response 0 \[ N\(INVAL_KE\) \]", said)),
                  refused, "guesses of the group that were wrong")


def rekeys_with_pfs(lab, suite, group, word, shown):
    """strongSwan replaces the child, then we do, by volume; both with a key agreement."""
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[suite]
    use(box, policy, proposal)
    entry = "crypto map MAP 1 set"
    lifetime = f"{entry} security-association lifetime kilobytes"
    with configured(box, f"{entry} pfs {group}\n{lifetime} 400",
                    f"no {entry} pfs\nno {lifetime}"), peer(lab, ike, f"{esp}-{word}") as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
        with traffic(lab):
            before = child_spis(box)
            r = charon.swanctl("--rekey", "--child", "net")
            equal(r.returncode, 0, r.stdout + r.stderr)
            rekeyed("strongSwan's rekey", lambda: child_spis(box), before)
            before = child_spis(box)
            poll(lambda: child_spis(box) != before, 60, "our rekey")
            rekeyed("our rekey", lambda: child_spis(box), before)
        said = charon.log()
        for what in ("generating CREATE_CHILD_SA request", "parsed CREATE_CHILD_SA request"):
            check(re.search(what + r" \d+ \[ N\(REKEY_SA\) .*\bKE\b", said), f"{what} without KE")
        check(shown in charon.swanctl("--list-sas").stdout, charon.swanctl("--list-sas").stdout)


@test
def pfs_with_group_19(lab):
    rekeys_with_pfs(lab, CBC, "group19", "ecp256", "AES_CBC-256/HMAC_SHA2_256_128/ECP_256")


@test
def pfs_with_group_14(lab):
    rekeys_with_pfs(lab, GCM, "group14", "modp2048", "AES_GCM_16-256/MODP_2048")


def opened_fragments(profile, pcap, source):
    """IKE_AUTH messages in pieces from this address: numbers of the pieces, payloads inside."""
    rows = fields(profile, pcap, f"isakmp.exchangetype == {AUTH} && ip.src == {source}",
                  "isakmp.typepayload", "isakmp.frag.number", "isakmp.frag.total")
    check(all(SKF in types.split(",") for types, *_ in rows), f"a whole message: {rows}")
    numbers, totals = ({int(r[i]) for r in rows} for i in (1, 2))
    equal(len(totals), 1, f"one total: {rows}")
    equal(numbers, set(range(1, totals.pop() + 1)), f"every piece: {rows}")
    inside = set().union(*(types.split(",") for types, *_ in rows))
    check(PAYLOADS_AUTH <= inside, f"not opened: {rows}")
    return len(numbers)


@test
def a_decoder_joins_the_fragments_of_both(lab):
    """SKF payloads (RFC 7383) on the wire, decrypted and joined by tshark; both roles."""
    box = lab.box("BOX")
    policy, proposal, ike, esp, suite = SUITES[CBC]
    use(box, policy, proposal)
    settings, more = "fragment_size = 200", "fragmentation = force"
    with configured(box, *MANY_PROPOSALS), peer(lab, ike, esp, settings, more=more) as charon:
        for role in ("INITIATOR", "RESPONDER"):
            with tempfile.TemporaryDirectory() as folder:
                pcap, profile = os.path.join(folder, "pcap"), os.path.join(folder, "profile")
                with lab.capture("wan", pcap):
                    if role == "INITIATOR":
                        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings")
                    else:
                        r = charon.swanctl("--initiate", "--child", "net")
                        equal(r.returncode, 0, r.stdout + r.stderr)
                agrees(box, charon, role, suite)
                keys.write_profile(box, profile)
                well_formed(profile, pcap)
                check(opened_fragments(profile, pcap, "198.51.100.20") >= 2, "strongSwan's pieces")
                if role == "INITIATOR":
                    check(opened_fragments(profile, pcap, "198.51.100.10") >= 2, "our pieces")
            show(box, "clear crypto ikev2 sa")
            poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 10, "deleted")


@test
def we_delete_a_single_child(lab):
    """Its line goes out of the access list: the other child goes on, without a lost ping."""
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES[GCM]
    use(box, policy, proposal)
    with peer(lab, ike, esp, children=TWO) as charon:

        def installed():
            theirs = charon.swanctl("--list-sas").stdout
            return dict(re.findall(r"^  (\w+): #.*?^    in +(\w+),", theirs, re.M | re.S))

        equal(ping(lab, "inside", "10.20.0.1", count=2), 2, "pings by the first")
        before = child_spis(box), ike_spis(box), installed()
        with traffic(lab):
            with configured(box, SECOND):
                equal(ping(lab, "inside", "10.21.0.1", count=2), 2, "pings by the second")
                equal(len(child_spis(box)), 2, "children")
                equal(set(installed()), {"net", "other"}, "children at strongSwan")
            poll(lambda: "received DELETE for ESP CHILD_SA" in charon.log(), 10, "our delete")
            poll(lambda: installed() == before[2], 10, "the first child alone at strongSwan")
        equal((child_spis(box), ike_spis(box), installed()), before, "what was there before")


if __name__ == "__main__":
    run(fixture("t-swan-ike", addresses=("10.20.0.1/24", "10.21.0.1/24", STRANGER + "/32")))
