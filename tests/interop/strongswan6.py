#!/usr/bin/python3 -B
"""Our box against strongSwan between IPv6 addresses; each family inside.

As in strongswan.py a NAT is faked, so ESP travels in UDP 4500, here of IPv6. Each side is the
initiator once.
"""
import contextlib
import os
import re
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import network  # noqa: E402
from charon import Charon  # noqa: E402
from harness import check, equal, lab_up, ping, poll, run, show, test  # noqa: E402

CONNECTION = """\
connections {
  box {
    version = 2
    local_addrs = 2001:db8:100::20
    remote_addrs = 2001:db8:100::10
    proposals = aes256-sha256-prfsha256-ecp521
    local {
      auth = psk
      id = 2001:db8:100::20
    }
    remote {
      auth = psk
      id = 2001:db8:100::10
    }
    children {
      six {
        local_ts = 2001:db8:20::/64
        remote_ts = 2001:db8:10::/64
        esp_proposals = aes256gcm16
      }
      four {
        local_ts = 10.20.0.0/24
        remote_ts = 10.10.0.0/24
        esp_proposals = aes256gcm16
      }
    }
  }
}
secrets {
  ike-box {
    id = 2001:db8:100::10
    secret = "Shared-Secret"
  }
}
"""
INNER = {"six": "2001:db8:20::1", "four": "10.20.0.1"}


@contextlib.contextmanager
def fixture():
    lab_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), "strongswan6-lab")
    with lab_up(lab_dir, "t-strongswan6") as lab, tempfile.TemporaryDirectory() as folder:
        network.ip(ns=lab.ns("peer"), batch=["addr add 10.20.0.1/24 dev lo",
                                             "addr add 2001:db8:20::1/64 dev lo nodad"])
        with Charon(lab.ns("peer"), os.path.join(folder, "charon"), CONNECTION) as charon:
            yield lab, charon
            print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-60:]), end="")


def agrees(box, charon, role, children):
    ours = show(box, "show crypto ikev2 sa")
    check(re.search(rf"2001:db8:100::10/4500 +2001:db8:100::20/4500 +READY +{role}", ours), ours)
    theirs = charon.swanctl("--list-sas").stdout
    equal(theirs.count("TUNNEL-in-UDP"), children, theirs)
    spis = re.findall(r"ESP spi in/out: 0x([0-9a-f]+)/0x([0-9a-f]+)", ours)
    equal(len(spis), children, ours)
    for pair in spis:
        for word, spi in zip(("out", "in"), pair):
            check(re.search(rf"\b{word}\s+{int(spi, 16):08x}\b", theirs), f"{ours}\n{theirs}")


@test
def we_initiate_for_either_family(both):
    lab, charon = both
    for name, address in INNER.items():
        for size in (56, 1200):
            equal(ping(lab, "inside", address, count=4, size=size), 4, f"{name}, {size}")
    agrees(lab.box("BOX"), charon, "INITIATOR", 2)


@test
def our_delete_ends_both_children(both):
    lab, charon = both
    show(lab.box("BOX"), "clear crypto ikev2 sa 2001:db8:100::20")
    poll(lambda: "ESTABLISHED" not in charon.swanctl("--list-sas").stdout, 5, "strongSwan's SA gone")


@test
def strongswan_initiates_for_either_family(both):
    lab, charon = both
    for name, address in INNER.items():
        r = charon.swanctl("--initiate", "--child", name)
        equal(r.returncode, 0, r.stdout + r.stderr)
        equal(ping(lab, "inside", address, count=4), 4, name)
    agrees(lab.box("BOX"), charon, "RESPONDER", 2)


if __name__ == "__main__":
    run(fixture())
