#!/usr/bin/python3 -B
"""NAT traversal of IKEv1 (RFC 3947, RFC 3948) through a router that translates (nftables): our ASA
behind it, strongSwan behind it, in main and in aggressive mode.
"""
import contextlib
import os
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, poll, run, show, test  # noqa: E402
from swan import configure, configured  # noqa: E402
from swan import fixture as nat_lab  # noqa: E402
from swan1 import clear, esp_spis, it_initiates, peer, pings_pass, we_initiate  # noqa: E402

PRIVATE, WAN = "10.99.0.0/24", "198.51.100.0/24"
LINES = """\
crypto ikev1 policy 1
authentication pre-share
encryption aes-256
hash sha
group 14
crypto ikev1 enable outside
crypto ipsec ikev1 transform-set SET esp-aes-256 esp-sha-hmac
no crypto map MAP 1 set ikev2 ipsec-proposal PROPOSAL
crypto map MAP 1 set ikev1 transform-set SET
tunnel-group 198.51.100.20 ipsec-attributes
ikev1 pre-shared-key Shared-Secret
tunnel-group 10.99.0.1 ipsec-attributes
ikev1 pre-shared-key Shared-Secret"""
OUR_SIDE = {"remote": "198.51.100.1", "remote_id": "10.99.0.10"}
ITS_SIDE = {"remote": "10.99.0.10", "remote_id": "10.99.0.10"}
# What strongSwan wants to hear before it answers aggressive mode with a shared key.
ALLOWED = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
AGGRESSIVE = "crypto map MAP 1 set ikev1 phase1-mode aggressive group14"


@contextlib.contextmanager
def behind(lab, who, settings="", **kw):
    """The router translates for one side."""
    subprocess.run(["ip", "netns", "exec", lab.ns("NAT"), "nft", "-f", "-"], text=True, check=True,
                   timeout=300, input=f"""
table ip nat
delete table ip nat
table ip nat {{
  chain post {{
    type nat hook postrouting priority srcnat;
    ip saddr {who} ip daddr != {who} udp dport {{ 500, 4500 }} masquerade to :20000-20099
  }}
}}
""")
    box = lab.box("BOX")
    configure(box, LINES)
    clear(box)
    with peer(lab, "BOX", "aes256-sha1-modp2048", "aes256-sha1", settings, **kw) as charon:
        yield box, charon
    clear(box)


def tunnel(lab, box, charon, port):
    """Pings both ways in UDP; strongSwan or the box sees the other at a port of the router."""
    pings_pass(lab, "BOX", "from us")
    check("TUNNEL-in-UDP" in charon.swanctl("--list-sas").stdout, "not in UDP")
    check(re.search(port, charon.swanctl("--list-sas").stdout + show(box, "show crypto ipsec sa")),
          f"nothing like {port}")


@test
def we_are_behind_a_nat(lab):
    with behind(lab, PRIVATE, **OUR_SIDE) as (box, charon):
        we_initiate(lab, "BOX")
        tunnel(lab, box, charon, r"198\.51\.100\.1\[200\d\d\]")
        before = esp_spis(box)
        r = charon.swanctl("--rekey", "--child", "net")
        equal(r.returncode, 0, r.stdout + r.stderr)
        poll(lambda: len(esp_spis(box)) == 1 and esp_spis(box) != before, 60, "strongSwan's rekey")
        pings_pass(lab, "BOX", "after strongSwan's rekey")


@test
def strongswan_is_behind_a_nat(lab):
    with behind(lab, WAN, **ITS_SIDE) as (box, charon):
        it_initiates(charon)
        tunnel(lab, box, charon, r"remote crypto endpt\.: 10\.99\.0\.1/200\d\d")


@test
def we_are_behind_a_nat_in_aggressive_mode(lab):
    with configured(lab.box("BOX"), AGGRESSIVE, "no " + AGGRESSIVE), \
            behind(lab, PRIVATE, ALLOWED, more="aggressive = yes", **OUR_SIDE) as (box, charon):
        we_initiate(lab, "BOX")
        check("initiating a Aggressive Mode" in charon.log(), "main mode")
        tunnel(lab, box, charon, r"198\.51\.100\.1\[200\d\d\]")


@test
def strongswan_is_behind_a_nat_in_aggressive_mode(lab):
    with behind(lab, WAN, ALLOWED, more="aggressive = yes", **ITS_SIDE) as (box, charon):
        it_initiates(charon)
        check("initiating Aggressive Mode" in charon.log(), "main mode")
        tunnel(lab, box, charon, r"remote crypto endpt\.: 10\.99\.0\.1/200\d\d")


if __name__ == "__main__":
    run(nat_lab("t-nat1", "nat-lab"))
