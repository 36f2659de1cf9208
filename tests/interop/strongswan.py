#!/usr/bin/python3 -B
"""Our box against strongSwan (charon-systemd, kernel-libipsec): negotiation and packets.

strongSwan fakes a NAT, so that ESP travels in UDP 4500. Each suite is tried with us as the
initiator, then with strongSwan as the initiator.
"""
import contextlib
import os
import re
import sys
import tempfile
import threading

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import network  # noqa: E402
from charon import Charon  # noqa: E402
from harness import check, equal, lab_up, ping, poll, run, show, squeeze, test  # noqa: E402

CONNECTION = """\
connections {{
  box {{
    version = 2
    local_addrs = 198.51.100.20
    remote_addrs = 198.51.100.10
    proposals = {ike}
    local {{
      auth = psk
      id = 198.51.100.20
    }}
    remote {{
      auth = psk
      id = 198.51.100.10
    }}
    children {{
      net {{
        local_ts = 10.20.0.0/24
        remote_ts = 10.10.0.0/24
        esp_proposals = {esp}
      }}
    }}
  }}
}}
secrets {{
  ike-box {{
    id = 198.51.100.10
    secret = "{secret}"
  }}
}}
"""
# name: (ikev2 policy, ESP proposal, strongSwan's words for both, and how it shows the IKE suite)
SUITES = {
    "aes-cbc, sha256, group 21": (
        "encryption aes-256\nintegrity sha256\nprf sha256\ngroup 21",
        "protocol esp encryption aes-256\nprotocol esp integrity sha-256",
        "aes256-sha256-prfsha256-ecp521", "aes256-sha256",
        "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_521"),
    "aes-gcm, group 14": (
        "encryption aes-gcm-256\nintegrity null\nprf sha384\ngroup 14",
        "protocol esp encryption aes-gcm-256\nprotocol esp integrity null",
        "aes256gcm16-prfsha384-modp2048", "aes256gcm16",
        "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048"),
    "aes-cbc 128, sha1, group 19; ESP sha512": (
        "encryption aes\nintegrity sha\nprf sha\ngroup 19",
        "protocol esp encryption aes\nprotocol esp integrity sha-512",
        "aes128-sha1-prfsha1-ecp256", "aes128-sha512",
        "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256"),
}


@contextlib.contextmanager
def fixture():
    lab_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), "strongswan-lab")
    with lab_up(lab_dir, "t-strongswan") as lab:
        network.ip(ns=lab.ns("peer"), batch=["addr add 10.20.0.1/24 dev lo"])
        yield lab


@contextlib.contextmanager
def peer(lab, ike, esp, secret="Shared-Secret"):
    """strongSwan on the node `peer`; its log is shown when the block fails."""
    with tempfile.TemporaryDirectory() as folder:
        conf = CONNECTION.format(ike=ike, esp=esp, secret=secret)
        with Charon(lab.ns("peer"), os.path.join(folder, "charon"), conf) as charon:
            try:
                yield charon
            except BaseException:
                print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-60:]), end="")
                raise


def use(box, policy, proposal):
    """Gives the box another suite and ends the SAs of the old one."""
    text = ("no crypto ikev2 policy 1\ncrypto ikev2 policy 1\n" + policy +
            "\ncrypto ipsec ikev2 ipsec-proposal PROPOSAL\n" + proposal + "\n")
    r = box.paste(text)
    check(r.returncode == 0, r.stdout)
    show(box, "clear crypto ikev2 sa")


def agrees(box, charon, role, suite):
    """Both ends show one tunnel with the same SPIs."""
    ours = squeeze(show(box, "show crypto ikev2 sa"))
    check(f"READY {role}" in ours, ours)
    check("/4500" in ours, f"not on UDP 4500:\n{ours}")
    theirs = charon.swanctl("--list-sas").stdout
    check(suite in theirs and "TUNNEL-in-UDP" in theirs, theirs)
    m = re.search(r"ESP spi in/out: 0x([0-9a-f]+)/0x([0-9a-f]+)", ours)
    check(m, ours)
    for word, spi in (("out", m.group(1)), ("in", m.group(2))):
        check(re.search(rf"\b{word}\s+{int(spi, 16):08x}\b", theirs), f"{ours}\n{theirs}")


def with_suite(lab, name):
    box = lab.box("BOX")
    policy, proposal, ike, esp, suite = SUITES[name]
    use(box, policy, proposal)
    with peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=5, wait=8), 5, "pings, we initiate")
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
def the_old_suite(lab):
    with_suite(lab, "aes-cbc 128, sha1, group 19; ESP sha512")


def child_spis(box):
    return re.findall(r"ESP spi in/out: (\S+)/(\S+)", show(box, "show crypto ikev2 sa"))


def ike_spis(box):
    return re.findall(r"Local spi: (\w+) +Remote spi: (\w+)",
                      show(box, "show crypto ikev2 sa detail"))


def rekeyed(what, read, before):
    """Until there is one SA again, and it is another one."""
    poll(lambda: len(read()) == 1 and read() != before, 10, f"{what}: another SA in place of {before}")


@contextlib.contextmanager
def traffic(lab, count):
    """Pings all the while; every one of them must be answered."""
    answered = []
    pinging = threading.Thread(target=lambda: answered.append(
        ping(lab, "inside", "10.20.0.1", count=count, interval=0.01, size=1000)))
    pinging.start()
    try:
        yield
    finally:
        pinging.join()
    equal(answered[0], count, "pings answered while keys were replaced")


@test
def strongswan_replaces_child_and_ike_sa_under_traffic(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES["aes-gcm, group 14"]
    use(box, policy, proposal)
    with peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2, wait=8), 2, "pings")
        with traffic(lab, 500):
            for what, name, read in (("child", "net", child_spis), ("ike", "box", ike_spis),
                                     ("child", "net", child_spis)):
                before = read(box)
                r = charon.swanctl("--rekey", f"--{what}", name)
                equal(r.returncode, 0, r.stdout + r.stderr)
                rekeyed(f"strongSwan's rekey of the {what}", lambda: read(box), before)


@test
def we_replace_the_child_by_volume_under_traffic(lab):
    box = lab.box("BOX")
    policy, proposal, ike, esp, _ = SUITES["aes-cbc, sha256, group 21"]
    use(box, policy, proposal)
    limit = "crypto ipsec security-association lifetime kilobytes"
    check(box.paste(f"{limit} 200\n").returncode == 0, limit)
    with peer(lab, ike, esp) as charon:
        equal(ping(lab, "inside", "10.20.0.1", count=2, wait=8), 2, "pings")
        seen = set(child_spis(box))
        with traffic(lab, 600):
            poll(lambda: seen.update(child_spis(box)) or len(seen) >= 3, 10, "two rekeys of ours")
        equal(charon.swanctl("--list-sas").stdout.count("INSTALLED"), 1, "children at strongSwan")
    check(box.paste(f"no {limit}\n").returncode == 0, "no " + limit)


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
        check("no acceptable" in charon.log().lower() or "NO_PROP" in charon.log(), charon.log())
        check("READY" not in show(box, "show crypto ikev2 sa"), "an SA without a common proposal")


if __name__ == "__main__":
    run(fixture())
