"""Two of our boxes with many tunnels between them.

An interface has one address of IPv4, and a pair of addresses one IKE SA; so the boxes have
several interfaces, and each pair of them is a tunnel. A router between them knows all addresses.
"""
import contextlib
import os
import subprocess
import sys
import time

import limit
import network
from echo import bystander, echo
from harness import check, lab_up, poll, show
from hellos import Hellos, jitter
from liveness import liveness
from result import Result, cpu, pss
from sides import SIDES, Third

NAME = "t-bench"
HUB_PORTS = 10


def shape(tunnels):
    """Ports of the hub and of the spokes; their product is the number of tunnels."""
    hub = HUB_PORTS if tunnels % HUB_PORTS == 0 and tunnels >= HUB_PORTS else 1
    return hub, tunnels // hub


def write_lab(folder, sides):
    """A sample (docs/lab.md): one wire with all ports on it and a router."""
    os.makedirs(folder)
    ends = [f"R {','.join(s.gateway(p) + '/24' for s in sides for p in range(s.ports))}"]
    ends += [f"{s.name} GigabitEthernet0/{p}" for s in sides for p in range(s.ports)]
    with open(os.path.join(folder, "topology"), "w") as f:
        f.write("login admin cisco123\n" + "".join(f"box {s.name} {s.PERSONALITY}\n" for s in sides) +
                "router R\nlink wire " + " ".join(ends) + "\n")


class Boxes:
    def __init__(self, lab, hub, spokes, third, tunnels):
        self.lab, self.third, self.tunnels = lab, third, tunnels
        self.sides = {"initiator": spokes, "responder": hub}
        self.logs, self.children, self.looks = {}, {}, []
        for s in (hub, spokes, third):
            # several ports on one wire: each answers for its own address
            lab.host(s.name, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; "
                              "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"])

    def box(self, role):
        return self.lab.box(self.sides[role].name)

    def configure(self, group):
        for role, side in self.sides.items():
            self.paste(self.box(role), side.DAY0.format(name=side.name) + side.config(group))
            poll(lambda s=side: self.lab.host(s.name, s.way_to_peers(), capture_output=True).returncode == 0, 60,
                 "the way to the peers")
            if side.HELLOS:
                poll(lambda r=role: "State is Active" in show(self.box(r), "show standby"), 60, "HSRP")
        self.paste(self.box("responder"), self.third.config_of_other())
        self.paste(self.lab.box(self.third.name),
                   self.third.DAY0.format(name=self.third.name) + self.third.config(group))

    @staticmethod
    def paste(box, text):
        r = box.paste(text)
        check(r.returncode == 0, r.stdout[-2000:] + r.stderr[-2000:])

    def group(self, group):
        for role, side in self.sides.items():
            show(self.box(role), side.CLEAR)
            self.paste(self.box(role), side.policy(group))
        for role, side in self.sides.items():
            poll(lambda r=role, s=side: s.quiet(lambda c: show(self.box(r), c)), 60,
                 "no tunnel is left")

    def ready(self):
        """True when the kernel leads every packet of the initiator's into its tunnel's device."""
        text = "".join(f"route get {b}\n" for _, b in self.sides["initiator"].asks())
        r = subprocess.run(["ip", "-n", self.box("initiator").ns, "-force", "-batch", "-"],
                           input=text, text=True, capture_output=True)
        return r.stdout.count(" dev tds") == self.tunnels

    def pids(self, role, *roles):
        return [p for p, r in self.box(role).processes().items() if r in roles]

    def forget_log(self):
        for role in self.sides:
            self.logs[role] = os.path.getsize(self.box(role).log)
            self.children[role] = 0
        self.looks = []

    def up(self, role):
        """Tunnels that came up since the log was forgotten."""
        with open(self.box(role).log, "rb") as f:
            f.seek(self.logs[role])
            text = f.read()
        whole = text.rfind(b"\n") + 1
        self.logs[role] += whole
        self.children[role] += text[:whole].count(b"child up")
        return self.children[role]

    def ask(self):
        """A packet for each tunnel, from the initiator's own namespace."""
        self.ask_from(self.box("initiator"), self.sides["initiator"].asks())

    def ask_from(self, box, asks):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask.py")
        text = "".join(f"{a} {b}\n" for a, b in asks)
        subprocess.run(["ip", "netns", "exec", box.ns, sys.executable, "-B", script], input=text,
                       text=True, check=True)

    def measure(self, group):
        work = {r: self.pids(r, "engine", "datapath") for r in self.sides}
        holds = {r: self.pids(r, "launcher", "engine", "datapath") for r in self.sides}
        before = {r: (cpu(work[r]), pss(holds[r])) for r in self.sides}
        self.forget_log()
        with echo(self.box("initiator")) as idle:
            time.sleep(2)
        allowed = [limit.set_ups(group)]
        with echo(self.box("initiator")) as e, echo(self.box("responder")) as f, \
                liveness(self.lab.box(self.third.name), list(self.third.asks())) as l, \
                bystander() as b, self.hellos() as h:
            seconds = self.storm()
        allowed.append(limit.set_ups(group))
        poll(self.settled, 30, "everything is quiet")
        after = {r: (cpu(work[r]), pss(holds[r])) for r in self.sides}
        took = {r: (after[r][0] - before[r][0]) / self.tunnels for r in self.sides}
        return Result(self.tunnels / seconds, took,
                      {r: (after[r][1] - before[r][1]) / self.tunnels for r in self.sides},
                      f"\n{'':10} {self.limit_text(allowed, seconds, sum(took.values()))}"
                      f"\n{'':10} a command: before {idle.text()}; meanwhile initiator {e.text()}, "
                      f"responder {f.text()}; a peer that asks whether it lives {l.text()}; two "
                      f"processes that only answer each other {b.text()}; both loops had their priority "
                      f"in {sum(self.looks)} of {len(self.looks)} looks" + self.hellos_text(h))

    def limit_text(self, allowed, seconds, took):
        """Rates are of this moment; CPU is the same when others use the machine."""
        rates, agreement = [a[0] for a in allowed], min(a[1] for a in allowed)
        return (f"{self.tunnels / seconds / max(rates):.0%} of what the key agreement alone allows, "
                f"{rates[0]:.0f} set-ups/s before and {rates[1]:.0f} after; it is "
                f"{agreement * 1000:.2f} of the {took * 1000:.2f} ms of CPU ({agreement / took:.0%})")

    @contextlib.contextmanager
    def hellos(self):
        """When HSRP's left meanwhile, where the initiator sends any."""
        side = self.sides["initiator"]
        if not side.HELLOS:
            yield None
            return
        with Hellos(self.lab, side.name, side.HELLOS) as h:
            yield h

    @staticmethod
    def hellos_text(h):
        if not h:
            return ""
        at = jitter(h.times)
        check(at, "no hello was seen")
        return f"; HSRP's hellos are {at[0]:.1f} ms off, at worst {at[3]:.1f} ms"

    def storm(self):
        """Asks for all tunnels; seconds until the last is up on both sides. Looks meanwhile whether both
        loops have their priority: who loses it does for a second at least (control/urgent.h)."""
        begin = asked = time.monotonic()
        engines = [p for r in self.sides for p in self.pids(r, "engine")]
        self.ask()
        while min(up := [self.up(r) for r in self.sides]) < self.tunnels:
            now = time.monotonic()
            check(now - begin < 120, f"after two minutes {up} of {self.tunnels} are up")
            if now - asked > 5:  # a packet may be lost
                self.ask()
                asked = now
            self.looks.append(all(os.sched_getscheduler(p) & ~os.SCHED_RESET_ON_FORK for p in engines))
            time.sleep(0.02)
        return time.monotonic() - begin

    def shows(self):
        """What each show of all tunnels takes through a shell, from its start to its end."""
        for role, side in self.sides.items():
            times = [f"{c} {self.took(role, c) * 1000:.0f} ms"
                     for c in ["show clock"] + side.SHOWS]
            print(f"{'':10} {side.name}: {', '.join(times)}", flush=True)

    def took(self, role, command):
        def once():
            begin = time.monotonic()
            show(self.box(role), command)
            return time.monotonic() - begin
        return min(once() for _ in range(3))

    def settled(self):
        """True when the processes have used no CPU to speak of for a while."""
        all_pids = [p for r in self.sides for p in self.pids(r, "engine", "datapath")]
        was = cpu(all_pids)
        time.sleep(0.3)
        return cpu(all_pids) - was < 0.03


def measure(folder, version, groups, tunnels, say):
    hub, spokes = shape(tunnels)
    initiator, responder = SIDES[version]
    sides = [responder("HUB", 1, hub, 2, spokes), initiator("SPOKES", 2, spokes, 1, hub),
             Third("THIRD", 3, 1, 1, 1)]
    sample, found = os.path.join(folder, f"sample-{version}"), {}
    write_lab(sample, sides)
    with lab_up(sample, NAME, configure=False) as lab:
        boxes = Boxes(lab, *sides, tunnels)
        boxes.configure(groups[0])
        for g in groups:
            boxes.group(g)
            poll(boxes.ready, 60, "routes into the tunnels")
            poll(boxes.settled, 60, "nothing is left to be done for the configuration")
            found[g] = boxes.measure(g)
            say("tandem", version, g, found[g])
        boxes.shows()
    return found
