#!/usr/bin/python3 -B
"""Two datapaths on real devices: TUN, raw protocols 50 and 51, and UDP 4500, in two network namespaces
joined by a veth pair. SAs are given by hand; hosts are loopback addresses of the namespaces.
"""
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lab"))

import pings  # noqa: E402

B = os.path.join(TOP, os.environ.get("B") or "build")
NODE = os.path.join(B, "interop", "esp_node")
MTU = 1400
TAG = f"esp{os.getpid()}"


def run(*words, **kw):
    kw.setdefault("check", True)
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=600, **kw)


def check(condition, message):
    if not condition:
        raise AssertionError(message)


class Node:
    """A namespace with one datapath."""

    def __init__(self, side, wrap, suite):
        self.ns = f"{TAG}{side}"
        mine, theirs = ("1", "2") if side == "a" else ("2", "1")
        nets = {"1": "10.10.10.", "2": "192.168.10."}
        self.host, self.other = nets[mine] + "1", nets[theirs] + "1"
        self.address = "192.0.2." + mine
        spis = ["0x1001", "0x2002"] if side == "a" else ["0x2002", "0x1001"]
        self.args = ["shadow0", self.address, "192.0.2." + theirs, self.host, self.other, wrap,
                     suite, *spis]
        self.proc = None

    def ip(self, *words):
        run("ip", "-n", self.ns, *words)

    def sysctl(self, key, value):
        run("ip", "netns", "exec", self.ns, "sysctl", "-q", "-w", f"net.ipv4.conf.{key}={value}")

    def start(self):
        for dev in ("lo", "veth0"):
            self.ip("link", "set", dev, "up")
        self.ip("address", "add", self.host + "/32", "dev", "lo")
        self.ip("address", "add", self.address + "/24", "dev", "veth0")
        self.sysctl("all.rp_filter", 0)
        self.sysctl("default.rp_filter", 0)
        self.launch()
        self.ip("route", "add", self.other + "/32", "dev", "shadow0", "src", self.host)

    def launch(self):
        self.proc = subprocess.Popen(["ip", "netns", "exec", self.ns, NODE, *self.args],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.proc.stdout.readline() == "ready\n", "the node did not start")
        self.ip("link", "set", "shadow0", "mtu", str(MTU), "up")

    def stats(self):
        self.proc.stdin.write("stats\n")
        self.proc.stdin.flush()
        words = self.proc.stdout.readline().split()
        return {k: int(v) for k, v in zip(words[::2], words[1::2])}

    def ping(self, count, size=56, wait=60, **kw):
        return pings.in_namespace(self.ns, self.other, count, 0.02, size, wait, **kw)

    def counts(self, **want):
        """Waits until the datapath has counted just this."""
        end = time.monotonic() + 60
        while any(self.stats()[k] < v for k, v in want.items()) and time.monotonic() < end:
            time.sleep(0.05)
        check(want.items() <= self.stats().items(), f"{self.stats()}, not {want}")

    def stop(self):
        if self.proc:
            self.proc.stdin.close()
            try:
                self.proc.wait(100)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()


def tunnel(wrap, suite):
    a, b = Node("a", wrap, suite), Node("b", wrap, suite)
    try:
        for n in (a, b):
            run("ip", "netns", "add", n.ns)
        run("ip", "link", "add", "veth0", "netns", a.ns, "type", "veth", "peer", "name", "veth0",
            "netns", b.ns)
        a.start()
        b.start()
        # the first packet waits for its SA on either side, and is not lost
        check(a.ping(20) == 20, f"pings were lost: {a.stats()} {b.stats()}")
        for n in (a, b):
            s = n.stats()
            check((s["out"], s["in"], s["drops"], s["acquires"]) == (20, 20, 0, 1), f"{n.ns}: {s}")
        # larger than the shadow's MTU: the kernel fragments before we encrypt
        check(a.ping(5, 4000) == 5, "large pings were lost")
        check(a.stats()["out"] == 20 + 5 * 3, a.stats())
        # as large as fits, with DF in and out; and one byte more
        check(b.ping(3, MTU - 28, df=True) == 3, "pings with DF were lost")
        check(b.ping(1, MTU - 27, wait=0.3, df=True) == 0, "the MTU was not felt")
        # a TUN that was down for a while
        b.ip("link", "set", "shadow0", "down")
        check(a.ping(2, wait=0.3) == 0, "an answer from nowhere")
        b.ip("link", "set", "shadow0", "up")
        b.ip("route", "add", b.other + "/32", "dev", "shadow0", "src", b.host)
        check(b.ping(3) == 3, "pings after the TUN came back")
        b.counts(drops=2)
        check(a.stats()["drops"] == 0, a.stats())
    finally:
        for n in (a, b):
            n.stop()
            run("ip", "netns", "del", n.ns, check=False)


def main():
    subprocess.run(["make", "-s", f"B={B}", NODE], cwd=TOP, check=True, stdin=subprocess.DEVNULL)
    failed = 0
    cases = [("native", "gcm"), ("native", "cbc"), ("native", "ah"), ("native", "bundle"),
             ("udp", "gcm"), ("udp", "cbc")]
    for number, (wrap, suite) in enumerate(cases, 1):
        try:
            tunnel(wrap, suite)
            print(f"ok {number} - {wrap} {suite}")
        except (AssertionError, subprocess.SubprocessError) as e:
            failed += 1
            text = str(e) + (getattr(e, "stderr", None) or "")
            print(f"not ok {number} - {wrap} {suite}\n# " + "\n# ".join(text.splitlines()))
    print(f"1..{len(cases)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
