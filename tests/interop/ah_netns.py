#!/usr/bin/python3 -B
"""AH, bundles and transport mode on real devices: datapaths in network namespaces, against one of
ours and against scapy (ipsec_peer.py), which shares no code with it. SAs are given by hand.
"""
import json
import os
import subprocess
import sys

from esp_netns import MTU, NODE, TAG, TOP, B, Node, check, run

HERE = os.path.dirname(os.path.abspath(__file__))
NFT = ("table ip nat {{\n chain out {{\n  type nat hook postrouting priority 100;\n"
       "  ip saddr {} udp sport 4500 snat to {}\n }}\n}}\n")
FWMARK = "0x7a6d"


class End(Node):
    """A datapath for the namespace's own address: everything to the other one goes by the shadow
    TUN, but for what the datapath sends."""

    def __init__(self, side, wrap, suite, v6, other=None):
        super().__init__(side, wrap, suite)
        mine, theirs = ("1", "2") if side == "a" else ("2", "1")
        net = "2001:db8::" if v6 else "192.0.2."
        self.v6, self.address, self.other = v6, net + mine, other or net + theirs
        self.args[1:5] = self.address, self.other, self.address, self.other

    def start(self):
        for dev in ("lo", "veth0"):
            self.ip("link", "set", dev, "up")
        self.ip("address", "add", self.address + ("/64" if self.v6 else "/24"), "dev", "veth0",
                *(["nodad"] if self.v6 else []))
        self.sysctl("all.rp_filter", 0)
        self.sysctl("default.rp_filter", 0)
        self.launch()
        family = "-6" if self.v6 else "-4"
        self.ip(family, "route", "add", self.other, "dev", "shadow0", "src", self.address,
                "table", "100")
        self.ip(family, "rule", "add", "pref", "10", "not", "fwmark", FWMARK, "to", self.other,
                "lookup", "100")

    def python(self, code, **kw):
        return subprocess.Popen(["ip", "netns", "exec", self.ns, sys.executable, "-c", code],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **kw)


class Scapy:
    """The other namespace, where scapy is the datapath."""

    def __init__(self, mode, suite, v6, node):
        self.ns, self.node, self.v6, self.mode, self.suite = TAG + "b", node, v6, mode, suite
        self.proc = None

    def start(self):
        self.node.ip("link", "set", "veth0", "up")
        net = "2001:db8::" if self.v6 else "192.0.2."
        for words in (["link", "set", "lo", "up"], ["link", "set", "veth0", "up"],
                      ["address", "add", net + ("2/64" if self.v6 else "2/24"), "dev", "veth0",
                       *(["nodad"] if self.v6 else [])]):
            run("ip", "-n", self.ns, *words)
        mac = json.loads(run("ip", "-n", self.node.ns, "-j", "link", "show", "veth0").stdout)
        hosts = (["192.168.10.1", "10.10.10.1"] if self.mode == "tunnel"
                 else [net + "2", net + "1"])
        self.proc = subprocess.Popen(
            ["ip", "netns", "exec", self.ns, sys.executable, "-B",
             os.path.join(HERE, "ipsec_peer.py"), "veth0", mac[0]["address"], net + "2", net + "1",
             self.mode, self.suite, *hosts],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.proc.stdout.readline() == "ready\n", "scapy did not start")

    def ask(self, line):
        check(self.proc.poll() is None, "scapy is gone")
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def stop(self):
        if self.proc:
            self.proc.communicate()


def joined(body, *ends):
    """Runs body with the namespaces of both ends joined and their programs running."""
    try:
        for n in ends:
            run("ip", "netns", "add", n.ns)
        run("ip", "link", "add", "veth0", "netns", ends[0].ns, "type", "veth", "peer", "name",
            "veth0", "netns", ends[1].ns)
        for n in ends:
            n.start()
        body(*ends)
    finally:
        for n in ends:
            n.stop()
        for n in ends:
            run("ip", "netns", "del", n.ns, check=False)


def pings(a, b):
    check(a.ping(10) == 10, f"pings were lost: {a.stats()} {b.stats()}")
    for n in (a, b):
        s = n.stats()
        check((s["out"], s["in"], s["drops"], s["acquires"]) == (10, 10, 0, 1), f"{n.ns}: {s}")
    # The kernel cuts for the shadow TUN; each packet is one again before it is sealed, and longer
    # than the link then.
    check(a.ping(5, 4000) == 5, f"large pings were lost: {a.stats()} {b.stats()}")
    for n in (a, b):
        s = n.stats()
        check((s["out"], s["in"], s["drops"]) == (15, 15, 0), f"{n.ns}: {s}")
    if not b.v6:
        check(b.ping(2, MTU - 28, df=True) == 2, "pings with DF were lost")


def transport(wrap, suite, v6):
    joined(pings, End("a", wrap, suite, v6), End("b", wrap, suite, v6))


SERVER = ("import socket\ns = socket.create_server(('192.0.2.2', 7))\nprint('ready', flush=True)\n"
          "c, who = s.accept()\nwhile data := c.recv(65536):\n    c.sendall(data)\n"
          "print(who[0], flush=True)")
CLIENT = ("import socket\nc = socket.create_connection(('192.0.2.2', 7), 30)\n"
          "sent, got = bytes(range(256)) * 200, b''\nc.sendall(sent)\nc.shutdown(1)\n"
          "while data := c.recv(65536):\n    got += data\nprint(got == sent, flush=True)")


def behind_a_nat(a, b):
    """TCP: its checksums cover addresses that the NAT has changed (RFC 3948 §3.1.2)."""
    a.ip("address", "add", b.other + "/24", "dev", "veth0")
    subprocess.run(["ip", "netns", "exec", a.ns, "nft", "-f", "-"], check=True, text=True,
                   input=NFT.format(a.address, b.other), timeout=600)
    server = b.python(SERVER)
    client = None
    try:
        check(server.stdout.readline() == "ready\n", "no server")
        client = a.python(CLIENT)
        check(client.communicate(timeout=600)[0] == "True\n", f"{a.stats()} {b.stats()}")
        check(server.communicate(timeout=600)[0] == b.other + "\n", "not by the NAT")
    finally:
        for p in (client, server):
            if p and p.poll() is None:
                p.kill()
                p.wait()
    for n in (a, b):
        s = n.stats()
        check(s["drops"] == 0 and s["out"] > 10, f"{n.ns}: {s}")


HOP_BY_HOP = ("import socket\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
              "s.setsockopt(socket.IPPROTO_IPV6, 54, bytes.fromhex('0000050200000100'))\n"
              "s.sendto(b'hop', ('2001:db8::2', 9))")


def scapy(a, peer):
    check(a.ping(10) == 10, f"pings were lost: {a.stats()} {peer.ask('stats')}")
    check(a.ping(3, 4000) == 3, f"large: {a.stats()} {peer.ask('stats')}")
    for size in (0, 1, 56, 1300, 4000):
        check(peer.ask(f"ping {size}") == "answered", f"scapy's {size}: {a.stats()}")
    if isinstance(a, End):
        check(peer.ask("ping 56 options") == "answered", f"with options: {a.stats()}")
        if a.v6:
            a.python(HOP_BY_HOP).wait(30)
            check(peer.ask("udp") == "686f70 with", "with hop-by-hop options of ours")
    words = peer.ask("stats").split()
    check(int(words[1]) >= 19 and words[2:] == ["bad", "0", "clear", "0"], words)
    check(a.stats()["drops"] == 0, a.stats())


def against_scapy(mode, suite, v6):
    a = End("a", "transport", suite, v6) if mode == "transport" else Node("a", "native", suite)
    joined(scapy, a, Scapy(mode, suite, v6, a))


def cases():
    for suite in ("gcm", "ah", "bundle"):
        for v6 in (False, True):
            yield f"transport mode, {suite}, IPv{6 if v6 else 4}", transport, "transport", suite, v6
    yield "transport mode, cbc in UDP", transport, "udp-transport", "cbc", False
    yield "transport mode, cbc in UDP through a NAT", lambda: joined(
        behind_a_nat, End("a", "udp-transport", "cbc", False),
        End("b", "udp-transport", "cbc", False, "192.0.2.7"))
    for suite in ("cbc", "ah", "bundle"):
        yield f"scapy, tunnel mode, {suite}", against_scapy, "tunnel", suite, False
        for v6 in (False, True):
            yield (f"scapy, transport mode, {suite}, IPv{6 if v6 else 4}", against_scapy,
                   "transport", suite, v6)


def main():
    subprocess.run(["make", "-s", f"B={B}", NODE], cwd=TOP, check=True, stdin=subprocess.DEVNULL)
    failed = number = 0
    for name, body, *words in cases():
        number += 1
        try:
            body(*words)
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, subprocess.SubprocessError) as e:
            failed += 1
            text = str(e) + (getattr(e, "stderr", None) or "")
            print(f"not ok {number} - {name}\n# " + "\n# ".join(text.splitlines()), flush=True)
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
