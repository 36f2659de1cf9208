"""Two boxes that share their SAs, and many peers of them: each tunnel is an IKE SA of its own with a
peer's address of its own, and all of them end at one virtual address.

A box has a limit of interfaces, and each has one address: so the peers are several boxes with many
ports. A host stands behind the pair; packets for all networks behind the peers end in the peers' own
namespaces (flows.c).
"""
import json
import os
import re
import subprocess
import threading
import time

import network
import stateful
from ask import ask

PORTS = 200  # of a peer's box
DAY0 = "hostname {}\nusername admin privilege 15 secret cisco123\n"
CRYPTO = """crypto isakmp policy 1
 authentication pre-share
 encryption aes 256
 hash sha
 group 14
 lifetime 86400
crypto ipsec transform-set SUITE esp-aes 256 esp-sha-hmac
crypto ipsec security-association lifetime seconds 86400
"""
VIP, INSIDE_VIP, HOST = "10.1.0.100", "10.3.0.100", "10.3.0.10"


def shape(tunnels):
    """Boxes of peers, and ports of each; their product is the number of tunnels."""
    boxes = -(-tunnels // PORTS)
    return boxes, -(-tunnels // boxes)


def peer_net(box):
    return f"10.{100 + box}"


def write_lab(folder, boxes, ports):
    """A sample (docs/lab.md). The peers' wires are not the pair's: their many ports need not hear
    HSRP."""
    t = ["login admin cisco123", "box A ios", "box B ios", "router R", "host H"]
    t += [f"box P{b} ios" for b in range(boxes)]
    t += ["link outside R 10.1.0.1/24 A GigabitEthernet0/0 B GigabitEthernet0/0",
          f"link inside H {HOST}/24 A GigabitEthernet0/1 B GigabitEthernet0/1",
          "link between A GigabitEthernet0/2 B GigabitEthernet0/2",
          f"route H default {INSIDE_VIP}"]
    for b in range(boxes):
        ends = [f"P{b} GigabitEthernet0/{p}" for p in range(ports)]
        t += [f"link peers{b} R {peer_net(b)}.0.1/24 " + " ".join(ends),
              f"route R {peer_net(b)}.0.0/16 {peer_net(b)}.0.2"]
    with open(os.path.join(folder, "topology"), "w") as f:
        f.write("\n".join(t) + "\n")


def tunnel(name, number, peer, ours, theirs):
    return (f"ip access-list extended L{name}\npermit ip {ours} 0.0.0.255 {theirs} 0.0.0.255\n"
            f"crypto map {number} ipsec-isakmp\nset peer {peer}\n"
            f"set transform-set SUITE\nmatch address L{name}\n")


def hub(box, me, other, boxes, ports):
    t = [DAY0.format(box), stateful.link(me, other), CRYPTO,
         "crypto isakmp key Shared-Secret address 0.0.0.0 0.0.0.0\n"]
    for b in range(boxes):
        t += [tunnel(f"{b}-{p}", f"MAP {b * ports + p + 1}", f"{peer_net(b)}.{p}.2", f"21.{b}.{p}.0",
                     f"22.{b}.{p}.0") for p in range(ports)]
    t.append(f"""interface GigabitEthernet0/2
 ip address 10.9.0.{me} 255.255.255.0
 no shutdown
interface GigabitEthernet0/0
 ip address 10.1.0.{me} 255.255.255.0
 standby 1 ip {VIP}
 standby 1 name OUTSIDE
 standby 1 timers msec 50 msec 200
 crypto map MAP redundancy OUTSIDE stateful
 no shutdown
interface GigabitEthernet0/1
 ip address 10.3.0.{me} 255.255.255.0
 standby 2 ip {INSIDE_VIP}
 standby 2 name INSIDE
 standby 2 timers msec 50 msec 200
 no shutdown
ip route 0.0.0.0 0.0.0.0 10.1.0.1
ip route 21.0.0.0 255.0.0.0 {HOST}
""")
    return "".join(t)


def peers(b, ports):
    t = [DAY0.format(f"P{b}"), CRYPTO, f"crypto isakmp key Shared-Secret address {VIP}\n"]
    for p in range(ports):
        t.append(tunnel(str(p), f"MAP{p} 1", VIP, f"22.{b}.{p}.0", f"21.{b}.{p}.0"))
        t.append(f"interface GigabitEthernet0/{p}\nip address {peer_net(b)}.{p}.2 255.255.255.0\n"
                 f"crypto map MAP{p}\nno shutdown\n"
                 f"ip route 21.{b}.{p}.0 255.255.255.0 {peer_net(b)}.{p}.1\n")
    return "".join(t)


def paste(box, text):
    r = box.paste(text)
    if r.returncode:
        raise SystemExit(f"{box.name}: {r.stdout[-1000:]}{r.stderr[-1000:]}")


def configure(lab, boxes, ports):
    for b in range(boxes):
        name = f"P{b}"
        paste(lab.box(name), peers(b, ports))
        # all of a box's addresses are reached by its first port, and so is the other way
        lab.host(name, ["sh", "-c", "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done"],
                 check=True)
        way = ["ip", "route", "replace", "10.1.0.0/24", "via", f"{peer_net(b)}.0.1"]
        while lab.host(name, way, capture_output=True).returncode:
            time.sleep(0.5)  # the port has no address yet
        lab.host(name, ["ip", "route", "add", "local", "22.0.0.0/8", "dev", "lo"], check=True)
    lab.host("H", ["ip", "route", "add", "local", "21.0.0.0/8", "dev", "lo"], check=True)
    for name, me, other in (("A", 3, 4), ("B", 4, 3)):
        paste(lab.box(name), hub(name, me, other, boxes, ports))
        lab.box(name).shell(["write memory"])
    keep_neighbours(lab, boxes, ports)


def tuns(ns):
    return [l["ifname"] for l in json.loads(network.ip("-j", "link", ns=ns)) if l["ifname"].startswith("tds")]


def keep_neighbours(lab, boxes, ports):
    """Each TUN has an entry in the kernel's table of neighbours, which all namespaces share and which
    holds 1,024 of them; with more, packets are dropped until others are five seconds old. Those that
    stay for ever are not thrown out."""
    for b in range(boxes):
        ns = lab.ns(f"P{b}")
        while len(found := tuns(ns)) < ports:
            time.sleep(0.5)
        network.ip(ns=ns, batch=[f"neigh replace 0.0.0.0 lladdr 08 dev {t} nud permanent" for t in found])


def spis(box):
    return set(re.findall(r"spi: (0x\w+)", box.shell(["show crypto ipsec sa"]).stdout))


def ike_sas(box):
    """Those that are complete."""
    return len(re.findall(r"QM_IDLE", box.shell(["show crypto isakmp sa"]).stdout))


def ask_peers(lab, b, ports):
    """A packet for each tunnel of this box of peers."""
    pairs = [(f"22.{b}.{p}.1", f"21.{b}.{p}.1") for p in range(ports)]

    def work():
        network.enter(lab.ns(f"P{b}"))
        try:
            ask(pairs)
        except OSError:
            pass  # the routes are still coming

    t = threading.Thread(target=work)
    t.start()
    t.join()


class Flows:
    """Packets through all tunnels and back, for the length of a block."""

    def __init__(self, lab, program, boxes, ports, rate, size):
        self.n = boxes * ports
        hosts = [(f"P{b}", ["echo"]) for b in range(boxes)]
        hosts.append(("H", ["send", str(boxes), str(ports), str(rate), str(size)]))
        self.start = [["ip", "netns", "exec", lab.ns(h), program, *args] for h, args in hosts]

    def __enter__(self):
        self.processes = []
        for argv in self.start:
            self.processes.append(subprocess.Popen(argv, stdin=subprocess.PIPE,
                                                   stdout=subprocess.PIPE, text=True))
            if self.processes[-1].stdout.readline() != "ready\n":
                raise SystemExit("no flows")
        return self

    def __exit__(self, *exc):
        for p in reversed(self.processes):
            p.stdin.close()
            p.wait()
            p.stdout.close()

    def _say(self, text):
        self.processes[-1].stdin.write(text + "\n")
        self.processes[-1].stdin.flush()

    def begin(self):
        self._say("begin")

    def stop(self):
        self._say("stop")

    def warm_up(self):
        """Until nearly all is answered, or half a minute has passed: after a time without traffic the
        kernel drops packets for some seconds (see keep_neighbours)."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.begin()
            time.sleep(2)
            found = self.report()
            if sum(r[1] for r in found) >= 0.97 * sum(r[0] for r in found):
                break

    def report(self):
        """(sent, answered, longest time without an answer in ms) of each tunnel since begin()."""
        self._say("report")
        found = []
        while (line := self.processes[-1].stdout.readline()) not in (".\n", ""):
            sent, answered, silent = map(int, line.split())
            found.append((sent, answered, silent / 1000))
        if len(found) != self.n:
            raise SystemExit("the flows have ended")
        return found
