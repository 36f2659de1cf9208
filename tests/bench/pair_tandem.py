"""Two of our boxes with many tunnels between them.

An interface has one address of IPv4, and a pair of addresses one IKE SA; so the boxes have
several interfaces, and each pair of them is a tunnel. A router between them knows all addresses.
"""
import os
import subprocess
import sys
import time

import labs
import network
from harness import BUILD, check, lab_up, poll, show
from result import Result, cpu, pss

NAME = "t-bench"
HUB_PORTS = 10
DAY0 = "hostname {name}\nenable password cisco123\nusername admin password cisco123 privilege 15\n"


def shape(tunnels):
    """Ports of the hub and of the spokes; their product is the number of tunnels."""
    hub = HUB_PORTS if tunnels % HUB_PORTS == 0 and tunnels >= HUB_PORTS else 1
    return hub, tunnels // hub


class Side:
    """One box: its ports, and for each tunnel (own port, the other's port) what it protects."""

    def __init__(self, name, number, ports, other_number, other_ports):
        self.name, self.number, self.ports = name, number, ports
        self.other_number, self.other_ports = other_number, other_ports

    def address(self, port):
        return f"10.{self.number}.{port}.2"

    def gateway(self, port):
        return f"10.{self.number}.{port}.1"

    def net(self, port, other):
        """What stands behind this box in the tunnel between these two ports."""
        return f"{20 + self.number}.{other}.{port}.0"

    def config(self, group):
        t = [f"crypto ikev2 policy 1\nencryption aes-256\nintegrity sha256\nprf sha256\n"
             f"group {group}\nlifetime seconds 86400\n"
             "crypto ipsec ikev2 ipsec-proposal PROPOSAL\nprotocol esp encryption aes-256\n"
             "protocol esp integrity sha-256\n"]
        for p in range(self.ports):
            t.append(f"interface GigabitEthernet0/{p}\nnameif out{p}\nsecurity-level 0\n"
                     f"ip address {self.address(p)} 255.255.255.0\nno shutdown\n")
            # the other box's net of a tunnel leads out by our port of that tunnel
            t.append(f"route out{p} {20 + self.other_number}.{p}.0.0 255.255.0.0 "
                     f"{self.gateway(p)} 1\n")
        t.append(f"route out0 10.{self.other_number}.0.0 255.255.0.0 {self.gateway(0)} 1\n")
        t += [self._tunnels(p) for p in range(self.ports)]
        t += [self._peer(f"10.{self.other_number}.{k}.2") for k in range(self.other_ports)]
        for p in range(self.ports):
            t.append(f"crypto map MAP{p} interface out{p}\ncrypto ikev2 enable out{p}\n")
        return "".join(t)

    def _tunnels(self, p):
        t = []
        for k in range(self.other_ports):
            theirs = f"{20 + self.other_number}.{p}.{k}.0"
            t.append(f"access-list L{p}-{k} extended permit ip {self.net(p, k)} 255.255.255.0 "
                     f"{theirs} 255.255.255.0\n"
                     f"crypto map MAP{p} {k + 1} match address L{p}-{k}\n"
                     f"crypto map MAP{p} {k + 1} set peer 10.{self.other_number}.{k}.2\n"
                     f"crypto map MAP{p} {k + 1} set ikev2 ipsec-proposal PROPOSAL\n")
        return "".join(t)

    @staticmethod
    def _peer(address):
        return (f"tunnel-group {address} type ipsec-l2l\ntunnel-group {address} ipsec-attributes\n"
                "ikev2 remote-authentication pre-shared-key Shared-Secret\n"
                "ikev2 local-authentication pre-shared-key Shared-Secret\n")

    def asks(self):
        """Source and destination of one packet for each tunnel."""
        for p in range(self.ports):
            for k in range(self.other_ports):
                yield (self.net(p, k)[:-1] + "1", f"{20 + self.other_number}.{p}.{k}.1")


def write_lab(folder, sides):
    """A sample (docs/lab.md): one wire with all ports on it and a router."""
    os.makedirs(folder)
    ends = [f"R {','.join(s.gateway(p) + '/24' for s in sides for p in range(s.ports))}"]
    ends += [f"{s.name} GigabitEthernet0/{p}" for s in sides for p in range(s.ports)]
    with open(os.path.join(folder, "topology"), "w") as f:
        f.write("login admin cisco123\n" + "".join(f"box {s.name} asa\n" for s in sides) +
                "router R\nlink wire " + " ".join(ends) + "\n")


class Boxes:
    def __init__(self, lab, hub, spokes, tunnels):
        self.lab, self.tunnels = lab, tunnels
        self.sides = {"initiator": hub, "responder": spokes}
        self.logs = {r: 0 for r in self.sides}
        for s in self.sides.values():
            # several ports on one wire: each answers for its own address
            lab.host(s.name, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; "
                              "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"])

    def box(self, role):
        return self.lab.box(self.sides[role].name)

    def configure(self, group):
        for role, side in self.sides.items():
            r = self.box(role).paste(DAY0.format(name=side.name) + side.config(group))
            check(r.returncode == 0, r.stdout[-2000:] + r.stderr[-2000:])

    def group(self, group):
        for role in self.sides:
            show(self.box(role), "clear crypto ikev2 sa")
            self.box(role).paste(f"no crypto ikev2 policy 1\ncrypto ikev2 policy 1\n"
                                 f"encryption aes-256\nintegrity sha256\nprf sha256\n"
                                 f"group {group}\nlifetime seconds 86400\n")
        for role in self.sides:
            poll(lambda r=role: "There are no IKEv2 SAs" in
                 show(self.box(r), "show crypto ikev2 sa"), 60, "no tunnel is left")

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

    def up(self, role):
        """Tunnels that came up since the log was forgotten."""
        with open(self.box(role).log, "rb") as f:
            f.seek(self.logs[role])
            return f.read().count(b"child up")

    def ask(self):
        """A packet for each tunnel, from the initiator's own namespace."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask.py")
        text = "".join(f"{a} {b}\n" for a, b in self.sides["initiator"].asks())
        subprocess.run(["ip", "netns", "exec", self.box("initiator").ns, sys.executable, "-B",
                        script], input=text, text=True, check=True)

    def measure(self):
        work = {r: self.pids(r, "engine", "datapath") for r in self.sides}
        holds = {r: self.pids(r, "launcher", "engine", "datapath") for r in self.sides}
        before = {r: (cpu(work[r]), pss(holds[r])) for r in self.sides}
        self.forget_log()
        begin = time.monotonic()
        asked, last = 0, 0
        while min(up := [self.up(r) for r in self.sides]) < self.tunnels:
            now = time.monotonic()
            check(now - begin < 120, f"after two minutes {up} of {self.tunnels} are up")
            if now - asked > 5:  # a packet may be lost, or asked too early
                self.ask()
                asked = now
                begin = begin if last else now
                last = now
            time.sleep(0.02)
        seconds = time.monotonic() - begin
        poll(self.settled, 30, "everything is quiet")
        after = {r: (cpu(work[r]), pss(holds[r])) for r in self.sides}
        return Result(self.tunnels / seconds,
                      {r: (after[r][0] - before[r][0]) / self.tunnels for r in self.sides},
                      {r: (after[r][1] - before[r][1]) / self.tunnels for r in self.sides})

    def settled(self):
        """True when the processes have used no CPU to speak of for a while."""
        all_pids = [p for r in self.sides for p in self.pids(r, "engine", "datapath")]
        was = cpu(all_pids)
        time.sleep(0.3)
        return cpu(all_pids) - was < 0.03


def measure(folder, groups, tunnels, say):
    hub, spokes = shape(tunnels)
    sides = [Side("HUB", 1, hub, 2, spokes), Side("SPOKES", 2, spokes, 1, hub)]
    sample, found = os.path.join(folder, "sample"), {}
    write_lab(sample, sides)
    with lab_up(sample, NAME, configure=False) as lab:
        boxes = Boxes(lab, *sides, tunnels)
        boxes.configure(groups[0])
        for g in groups:
            boxes.group(g)
            poll(boxes.ready, 60, "routes into the tunnels")
            found[g] = boxes.measure()
            say("tandem", g, found[g])
    return found
