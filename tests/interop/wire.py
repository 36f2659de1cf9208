#!/usr/bin/python3 -B
"""What we put on the wire, as tshark sees it with the keys of `lab keys`.

Two boxes of ours talk; the link between them is captured; tshark decrypts IKE and ESP.
"""
import os
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

import keys  # noqa: E402
from decode import (AUTH, DELETE, INFORMATIONAL, PAYLOADS_AUTH, PAYLOADS_INIT, SA_INIT,  # noqa: E402
                    fields, well_formed)
from harness import check, equal, lab_up, ping, poll, run, show, test  # noqa: E402


def conversation(lab, folder, pings):
    """Captures a whole life of a tunnel: set-up, `pings` both ways, delete. pcap, profile."""
    one, two = lab.box("VPN-PEER-1"), lab.box("VPN-PEER-2")
    show(one, "clear crypto ikev2 sa")
    for box in (one, two):
        poll(lambda: "There are no IKEv2 SAs" in show(box, "show crypto ikev2 sa"), 5, "no SA")
    pcap, profile = os.path.join(folder, "wire.pcap"), os.path.join(folder, "profile")
    with lab.capture("outside-1", pcap):
        equal(ping(lab, "host1", "192.168.10.1", count=pings), pings, "pings")
        keys.write_profile(one, profile)
        show(one, "clear crypto ikev2 sa")
        poll(lambda: "There are no IKEv2 SAs" in show(two, "show crypto ikev2 sa"), 5, "deleted")
    return pcap, profile


def decodes(lab, pings):
    with tempfile.TemporaryDirectory() as folder:
        pcap, profile = conversation(lab, folder, pings)
        well_formed(profile, pcap)
        ike = fields(profile, pcap, "isakmp", "isakmp.exchangetype", "isakmp.typepayload",
                     "udp.dstport")
        for exchange, payloads in ((SA_INIT, PAYLOADS_INIT), (AUTH, PAYLOADS_AUTH),
                                   (INFORMATIONAL, {DELETE})):
            seen = [set(p.split(",")) for x, p, _ in ike if x == exchange]
            check(len(seen) >= 2, f"exchange {exchange}: {ike}")
            check(any(payloads <= s for s in seen), f"exchange {exchange} was not opened: {seen}")
        equal({port for x, _, port in ike}, {"500"}, "without a NAT all IKE stays on port 500")
        opened = fields(profile, pcap, "ip.proto == 50 && icmp", "esp.sequence", "icmp.type",
                        "esp.icv_good")
        equal(sorted(opened), sorted([[str(n), t, "1"] for n in range(1, pings + 1) for t in "08"]),
              "sequence number, ICMP type and good ICV of each ESP packet")
        equal(fields(profile, pcap, "icmp && !esp", "icmp.type"), [], "in clear")
        equal(fields(profile, pcap, "esp && udp", "frame.number"), [], "in UDP without a NAT")


@test
def tshark_opens_the_seed_s_suite(lab):
    decodes(lab, 5)


@test
def tshark_opens_gcm_in_both_phases(lab):
    text = ("no crypto ikev2 policy 1\ncrypto ikev2 policy 1\nencryption aes-gcm-256\n"
            "integrity null\nprf sha384\ngroup 20\n"
            "crypto ipsec ikev2 ipsec-proposal PROPOSAL\nprotocol esp encryption aes-gcm-256\n"
            "protocol esp integrity null\n")
    for box in (lab.box("VPN-PEER-1"), lab.box("VPN-PEER-2")):
        r = box.paste(text)
        check(r.returncode == 0, r.stdout)
    decodes(lab, 3)


if __name__ == "__main__":
    run(lab_up("ikev2-backup-peers", "t-wire"))
