"""Captures read by tshark, with the keys of a profile folder (keys.py)."""
import os
import subprocess

from harness import check, equal

# Exchange types of RFC 7296 §3.1 and payload types of §3.2, as tshark prints them.
SA_INIT, AUTH, INFORMATIONAL = "34", "35", "37"
PAYLOADS_INIT = {"33", "34", "40"}  # SA, KE, Nonce
PAYLOADS_AUTH = {"39", "33", "44", "45"}  # AUTH, SA, TSi, TSr
DELETE = "42"
SKF = "53"  # RFC 7383 §2.5


def tshark(profile, pcap, *args):
    env = dict(os.environ, WIRESHARK_CONFIG_DIR=profile)
    r = subprocess.run(["tshark", "-n", "-r", pcap, *args], env=env, stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=1200)
    check(r.returncode == 0, r.stderr)
    return r.stdout.splitlines()


def fields(profile, pcap, select, *names):
    """One list of field values per packet; a field that occurs more than once has commas."""
    args = ["-Y", select, "-T", "fields"]
    for n in names:
        args += ["-e", n]
    return [line.split("\t") for line in tshark(profile, pcap, *args)]


def well_formed(profile, pcap):
    bad = tshark(profile, pcap, "-Y", "_ws.malformed || _ws.expert.severity == error")
    equal(bad, [], "packets that tshark objects to")
