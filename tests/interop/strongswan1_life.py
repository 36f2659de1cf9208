#!/usr/bin/python3 -B
"""IKEv1 between our boxes and strongSwan for longer: rekeys of both phases by either side under
traffic, single deletes, liveness (RFC 3706) and peers that die or come back.
"""
import contextlib
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "lab"))

from harness import check, equal, ping, poll, run, show, test  # noqa: E402
from swan import configured  # noqa: E402
from swan1 import (HOST, SA, clear, cookies_of, esp_spis, fixture, is_up, it_initiates, none_left,  # noqa: E402
                   peer, pings_pass, traffic, we_initiate)

WORDS = {"BOX": ("aes256-sha1-modp2048", "aes256-sha1"),
         "R1": ("aes256-sha256-modp2048", "aes256-sha256")}
GROUP = "tunnel-group 198.51.100.20 ipsec-attributes\n"
# Liveness checks of ours: lines, and what takes them back.
DPD = {"BOX": (GROUP + "isakmp keepalive threshold 10 retry 2", GROUP + "no isakmp keepalive"),
       "R1": ("crypto isakmp keepalive 10 2 periodic", "no crypto isakmp keepalive")}


@contextlib.contextmanager
def tunnel(lab, name, **kw):
    """strongSwan has begun a tunnel with this box of ours."""
    box = lab.box(name)
    clear(box)
    with peer(lab, name, *WORDS[name], **kw) as charon:
        it_initiates(charon)
        pings_pass(lab, name, "strongSwan initiated")
        yield box, charon
    clear(box)


def done(r):
    equal(r.returncode, 0, r.stdout + r.stderr)


def both_boxes(fn):
    def both(lab):
        for name in WORDS:
            fn(lab, name)

    both.__name__ = fn.__name__
    return test(both)


@both_boxes
def strongswan_replaces_both_phases_under_traffic(lab, name):
    with tunnel(lab, name) as (box, charon):
        with traffic(lab, name):
            for what, conn, read in (("child", "net", lambda: esp_spis(box)),
                                     ("ike", name, lambda: cookies_of(charon)),
                                     ("child", "net", lambda: esp_spis(box))):
                before = read()
                done(charon.swanctl("--rekey", f"--{what}", conn))
                poll(lambda: len(read()) == 1 and read() != before, 60,
                     f"another {what} than {before}")
        check(is_up(box), show(box, SA[name]))


@test
def we_replace_the_child_by_volume_under_traffic(lab):
    limit = "crypto map MAP 1 set security-association lifetime kilobytes"
    with configured(lab.box("BOX"), f"{limit} 400", f"no {limit}"), \
            tunnel(lab, "BOX") as (box, charon):
        clear(box)
        we_initiate(lab, "BOX")
        seen = set(esp_spis(box))
        with traffic(lab, "BOX"):
            poll(lambda: seen.update(esp_spis(box)) or len(seen) >= 3, 60, "two rekeys of ours")
        poll(lambda: charon.swanctl("--list-sas").stdout.count("INSTALLED") == 1, 60,
             "one child at strongSwan")


@test
def we_replace_both_phases_by_time_under_traffic(lab):
    """Lifetimes of two minutes; strongSwan replaces nothing by itself."""
    limit = "crypto ipsec security-association lifetime seconds"
    policy = "crypto ikev1 policy 1\nlifetime"
    with configured(lab.box("BOX"), f"{limit} 120\n{policy} 120", f"no {limit}\n{policy} 86400"), \
            tunnel(lab, "BOX") as (box, charon):
        clear(box)
        we_initiate(lab, "BOX")
        child, sa = esp_spis(box), cookies_of(charon)
        with traffic(lab, "BOX"):
            poll(lambda: set(esp_spis(box)).isdisjoint(child) and
                 set(cookies_of(charon)).isdisjoint(sa), 120, "rekeys of ours")
        check(is_up(box), show(box, SA["BOX"]))


@both_boxes
def a_child_ends_alone(lab, name):
    with tunnel(lab, name) as (box, charon):
        sa = cookies_of(charon)
        done(charon.swanctl("--terminate", "--child", "net"))
        poll(lambda: not esp_spis(box), 10, "strongSwan's delete of the child")
        check(is_up(box), "phase 1 has ended, too")
        we_initiate(lab, name)
        equal(cookies_of(charon), sa, "phase 1 when asked for the child again")
        show(box, {"BOX": "clear crypto ipsec sa", "R1": "clear crypto sa"}[name])
        poll(lambda: "received DELETE for ESP CHILD_SA" in charon.log(), 10, "our delete")
        equal(cookies_of(charon), sa, "phase 1 after our delete")
        we_initiate(lab, name)
        pings_pass(lab, name, "with another child")


@test
def we_ask_whether_strongswan_lives(lab):
    with configured(lab.box("R1"), *DPD["R1"]), tunnel(lab, "R1") as (_, charon):
        sa = cookies_of(charon)
        for what in (r"parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD\) \]",
                     r"generating INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]"):
            poll(lambda: re.search(what, charon.log()), 40, what)
        equal(cookies_of(charon), sa, "SAs that live")


@both_boxes
def strongswan_asks_and_then_dies(lab, name):
    with configured(lab.box(name), *DPD[name]), \
            tunnel(lab, name, more="dpd_delay = 2s") as (box, charon):
        sa = cookies_of(charon)
        answer = r"parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]"
        poll(lambda: re.search(answer, charon.log()), 40, "our answer")
        equal(cookies_of(charon), sa, "SAs that live")
        charon.kill()

        def missed():
            ping(lab, HOST[name], "10.20.0.1", count=1, wait=0.5)
            return none_left(box)

        poll(missed, 60, "we notice that strongSwan is dead")


@both_boxes
def a_strongswan_that_comes_back_before_it_is_missed(lab, name):
    """Its INITIAL-CONTACT ends what it does not know any more."""
    with tunnel(lab, name) as (box, charon):
        before = esp_spis(box)
        charon.kill()
        with peer(lab, name, *WORDS[name]) as again:
            it_initiates(again)
            poll(lambda: len(esp_spis(box)) == 1 and esp_spis(box) != before, 10,
                 f"another child alone in place of {before}")
            equal(len(re.findall(r"198\.51\.100\.20", show(box, SA[name]))), 1, "phase 1")
            pings_pass(lab, name, "after its restart")


@both_boxes
def a_box_of_ours_that_dies_and_comes_back(lab, name):
    """strongSwan notices; the box begins anew when it is there again."""
    lab_box = lab.box(name)
    show(lab_box, "write memory")
    with tunnel(lab, name, more="dpd_delay = 2s\n    dpd_timeout = 10s") as (box, charon):
        box.kill("all")
        poll(lambda: not cookies_of(charon), 60, "strongSwan notices that we are dead")
        box.start()
        we_initiate(lab, name)
        pings_pass(lab, name, "after our restart")
        equal(len(cookies_of(charon)), 1, "phase 1 at strongSwan")


if __name__ == "__main__":
    run(fixture("t-swan1-life"))
