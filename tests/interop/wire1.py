#!/usr/bin/python3 -B
"""What we put on the wire with IKEv1, as tshark sees it with the keys of `lab keys`.

Two IOS boxes of ours talk; the link between them is captured; tshark decrypts both phases and ESP.
"""
import os
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import keys  # noqa: E402
from decode import fields, well_formed  # noqa: E402
from harness import check, equal, lab_up, ping, poll, run, show, test  # noqa: E402
from swan import configure  # noqa: E402

# RFC 2408 §3.1: exchange and payload types, as tshark prints them.
MAIN, QUICK, INFORMATIONAL = "2", "32", "5"
SA, KE, ID, HASH, NONCE, DELETE = "1", "4", "5", "8", "10", "12"
COUNT = 5


def up(box):
    return "QM_IDLE" in show(box, "show crypto isakmp sa")


def conversation(lab, folder):
    """Captures a whole life of a tunnel: set-up, pings both ways, delete. pcap, profile."""
    one, two = lab.box("R1"), lab.box("R2")
    for box in (one, two):
        show(box, "clear crypto session")
        poll(lambda: not up(box), 10, "no SA")
    pcap, profile = os.path.join(folder, "wire.pcap"), os.path.join(folder, "profile")
    with lab.capture("outside", pcap):
        poll(lambda: ping(lab, "host2", "192.168.20.25", count=1, wait=1), 20, "a tunnel")
        equal(ping(lab, "host2", "192.168.20.25", count=COUNT), COUNT, "pings")
        keys.write_profile(one, profile)
        show(one, "clear crypto session")
        poll(lambda: not up(two), 10, "deleted")
    return pcap, profile


def decodes(lab):
    with tempfile.TemporaryDirectory() as folder:
        pcap, profile = conversation(lab, folder)
        well_formed(profile, pcap)
        ike = fields(profile, pcap, "isakmp", "isakmp.exchangetype", "isakmp.flag_e",
                     "isakmp.typepayload", "udp.dstport")
        seen = [(x, encrypted, set(p.split(","))) for x, encrypted, p, _ in ike]
        for what in seen:
            check(what[1] == "0" or HASH in what[2], f"not opened: {what}")
        for exchange, encrypted, payloads, least in (
                (MAIN, "0", {SA}, 2), (MAIN, "0", {KE, NONCE}, 2), (MAIN, "1", {ID, HASH}, 2),
                (QUICK, "1", {HASH, SA, NONCE, KE, ID}, 2), (QUICK, "1", {HASH}, 3),
                (INFORMATIONAL, "1", {HASH, DELETE}, 2)):
            n = sum(x == exchange and e == encrypted and payloads <= p for x, e, p in seen)
            check(n >= least, f"{n} messages of exchange {exchange} with {payloads}: {ike}")
        equal({port for *_, port in ike}, {"500"}, "without a NAT all IKE stays on port 500")
        opened = fields(profile, pcap, "ip.proto == 50 && icmp", "icmp.type", "esp.icv_good")
        check(all(good == "1" for _, good in opened), f"bad ICV: {opened}")
        for kind in "08":
            check(sum(t == kind for t, _ in opened) >= COUNT, f"ICMP in ESP: {opened}")
        equal(fields(profile, pcap, "icmp && !esp", "icmp.type"), [], "in clear")


@test
def tshark_opens_the_seed_s_suite(lab):
    decodes(lab)


@test
def tshark_opens_3des_with_sha_1(lab):
    for box in (lab.box("R1"), lab.box("R2")):
        configure(box, "crypto isakmp policy 1\nencr 3des\nhash sha\ngroup 2\n"
                  "crypto ipsec transform-set mysec esp-3des esp-sha-hmac")
    decodes(lab)


@test
def tshark_opens_aes_128_with_md5(lab):
    for box in (lab.box("R1"), lab.box("R2")):
        configure(box, "crypto isakmp policy 1\nencr aes\nhash md5\ngroup 5\n"
                  "crypto ipsec transform-set mysec esp-aes esp-md5-hmac")
    decodes(lab)


if __name__ == "__main__":
    run(lab_up("isakmp-site-to-site", "t-wire1"))
