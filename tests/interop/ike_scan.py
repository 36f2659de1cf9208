#!/usr/bin/python3 -B
"""What ike-scan, which engineers look at IKEv1 responders with, sees of our policies."""
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, run, test  # noqa: E402
from swan import configured  # noqa: E402
from swan1 import ADDRESS, fixture  # noqa: E402

# RFC 2409 appendix A: cipher, key length, hash, authentication, group
AES256_SHA = "(1=7,14=256,2=2,3=1,4=14)"
AES256_SHA256 = "(1=7,14=256,2=4,3=1,4=14)"
AES128_SHA = "(1=7,14=128,2=2,3=1,4=14)"
DES3_MD5 = "(1=5,2=1,3=1,4=2)"


def scan(lab, name, *transforms):
    """The line about our box."""
    argv = ["ike-scan", "--retry=10", *(f"--trans={t}" for t in transforms), ADDRESS[name]]
    r = lab.host("peer", argv, capture_output=True, text=True, timeout=300)
    equal(r.returncode, 0, r.stderr)
    return re.search(rf"^{re.escape(ADDRESS[name])}\s.*", r.stdout, re.M).group(0)


@test
def it_sees_the_policy_that_fits(lab):
    for name, transform, shown in (("BOX", AES256_SHA, "Hash=SHA1"),
                                   ("R1", AES256_SHA256, "Hash=SHA2-256")):
        line = scan(lab, name, DES3_MD5, transform)
        check("Main Mode Handshake returned" in line, line)
        for word in ("Enc=AES", "KeyLength=256", shown, "Group=14:modp2048", "Auth=PSK"):
            check(word in line, f"no {word}: {line}")


@test
def our_order_counts_not_its(lab):
    second = "crypto isakmp policy 2"
    with configured(lab.box("R1"), f"{second}\nencr aes\nhash sha\nauthentication pre-share\n"
                    "group 14", f"no {second}"):
        line = scan(lab, "R1", AES128_SHA, AES256_SHA256)
        check("KeyLength=256" in line and "KeyLength=128" not in line, line)
        check("KeyLength=128" in scan(lab, "R1", AES128_SHA), "the second policy")


@test
def it_is_told_when_nothing_fits(lab):
    for name in ADDRESS:
        line = scan(lab, name, DES3_MD5)
        check("Notify message 14 (NO-PROPOSAL-CHOSEN)" in line, line)


if __name__ == "__main__":
    run(fixture("t-ike-scan"))
