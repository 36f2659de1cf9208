"""Two strongSwans with many tunnels between them, as pair_tandem.py does with our boxes.

Each tunnel is a connection of its own between the same two addresses, told apart by its
identities. The responder has one connection for all of them, since charon looks at each that fits
an address when a peer comes. They are initiated through vici, all at once and without waiting for any.
"""
import os
import socket
import struct
import subprocess
import time

import charon
import network
from harness import check, poll
from result import Result, cpu, pss

LAB = "t-charon"
WORDS = {"14": "modp2048", "19": "ecp256", "21": "ecp521", "31": "curve25519"}
SUITES = {2: ("aes256-sha256-prfsha256-", "aes256-sha256"), 1: ("aes256-sha1-", "aes256-sha1")}
# What a gateway with many peers is told: no limit of half-open SAs, tables of a fitting size.
AT_ONCE = 100  # with more, its socket overflows and it gives up
SETTINGS = """\
dos_protection = no
  init_limit_half_open = 0
  ikesa_table_size = 1024
  ikesa_table_segments = 16
"""
CONF = charon.CONF.replace("default = 1", "default = 0").replace("enc = 1", "enc = 0")
CONNECTION = """\
c{n} {{
    version = {version}
    unique = never
    mobike = no
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = {ike}
    local {{
      auth = psk
      id = {me}
    }}
    remote {{
      auth = psk
      id = {peer}
    }}
    children {{
      t{n} {{
        local_ts = {local_ts}
        remote_ts = {remote_ts}
        esp_proposals = {esp}
      }}
    }}
  }}
"""
ADDRESS = {"a": "198.51.100.1", "b": "198.51.100.2"}
NETS = {"a": "10.1.0.0/24", "b": "10.2.0.0/24"}


def net(side, n):
    """All tunnels lie between the same two nets, one port each: charon wants an address of its own
    in each net that it protects."""
    return f"{NETS[side]}[udp/{n + 1}]"


def connection(n, me, peer, version, group, ids, nets):
    ike, esp = SUITES[version]
    return CONNECTION.format(n=n, local=ADDRESS[me], remote=ADDRESS[peer], me=ids[0], peer=ids[1],
                             version=version, ike=ike + WORDS[group], esp=esp, local_ts=nets[0],
                             remote_ts=nets[1])


def config(text):
    return (f"connections {{\n  {text}}}\nsecrets {{\n  ike-all {{\n"
            "    secret = \"Shared-Secret\"\n  }\n}\n")


def configs(version, group, tunnels):
    """Of both roles."""
    many = "".join(connection(n, "a", "b", version, group, (f"a{n}", "b"), (net("a", n), net("b", n)))
                   for n in range(tunnels))
    one = connection(0, "b", "a", version, group, ("b", "%any"), (NETS["b"], NETS["a"]))
    return {"responder": config(one), "initiator": config(many)}


class Vici:
    """Just enough of strongSwan's control protocol to start many initiations and count SAs."""
    REQUEST, RESPONSE = 0, 1

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)

    def send(self, command, **values):
        m = struct.pack("!BB", self.REQUEST, len(command)) + command.encode()
        for k, v in values.items():
            m += struct.pack("!BB", 3, len(k)) + k.encode() + struct.pack("!H", len(v)) + v.encode()
        self.s.sendall(struct.pack("!I", len(m)) + m)

    def receive(self):
        head = self._exactly(4)
        return self._exactly(struct.unpack("!I", head)[0])

    def _exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.s.recv(n - len(data))
            check(part, "charon closed its socket")
            data += part
        return data

    def initiate(self, n):
        self.send("initiate", child=f"t{n}", timeout="-1")
        self.receive()

    def up(self):
        """IKE SAs that are complete."""
        self.send("stats")
        text = self.receive()
        text = text[text.index(b"ikesas"):]
        total, half = (int(value(text, k)) for k in (b"total", b"half-open"))
        return total - half


def value(text, key):
    """The first value of this name in a message."""
    at = text.index(struct.pack("!BB", 3, len(key)) + key) + 2 + len(key)
    n = struct.unpack("!H", text[at:at + 2])[0]
    return text[at + 2:at + 2 + n]


def wire(names):
    """Two namespaces and a wire between them."""
    a, b = names
    for ns in names:
        network.ip("netns", "add", ns)
    network.ip("link", "add", "name", "eth0", "netns", a, "type", "veth", "peer", "name", "eth0",
               "netns", b)
    for ns, side in zip(names, ADDRESS):
        network.ip(ns=ns, batch=["link set lo up", f"addr add {ADDRESS[side]}/24 dev eth0",
                                 "link set eth0 up", "route add default dev eth0",
                                 f"addr add {NETS[side].replace('.0/', '.1/')} dev lo"])


def pids(ns):
    return [p for p in network.pids(ns) if os.readlink(f"/proc/{p}/exe").endswith("charon-systemd")]


def one(folder, names, version, group, tunnels):
    peers = {}
    with_conf, charon.CONF = charon.CONF, CONF
    try:
        texts = configs(version, group, tunnels)
        for role, ns in (("responder", names[1]), ("initiator", names[0])):
            peers[role] = charon.Charon(ns, os.path.join(folder, f"{role}-{version}-{group}"),
                                        texts[role], SETTINGS)
            peers[role].__enter__()
        return storm(peers, names, tunnels)
    finally:
        charon.CONF = with_conf
        for p in peers.values():
            p.stop()


def storm(peers, names, tunnels):
    processes = {"initiator": pids(names[0]), "responder": pids(names[1])}
    vici = {r: Vici(os.path.join(p.folder, "run", "charon.vici")) for r, p in peers.items()}
    before = {r: (cpu(p), pss(p)) for r, p in processes.items()}
    begin = time.monotonic()
    started = 0
    while min(up := [v.up() for v in vici.values()]) < tunnels:
        while started < min(tunnels, min(up) + AT_ONCE):
            vici["initiator"].initiate(started)
            started += 1
        check(time.monotonic() - begin < 120, f"after two minutes {up} of {tunnels} are up")
        time.sleep(0.01)
    seconds = time.monotonic() - begin
    poll(lambda: settled(processes), 30, "everything is quiet")
    after = {r: (cpu(p), pss(p)) for r, p in processes.items()}
    return Result(tunnels / seconds,
                  {r: (after[r][0] - before[r][0]) / tunnels for r in processes},
                  {r: (after[r][1] - before[r][1]) / tunnels for r in processes})


def settled(processes):
    everything = [p for v in processes.values() for p in v]
    was = cpu(everything)
    time.sleep(0.3)
    return cpu(everything) - was < 0.03


def measure(folder, version, groups, tunnels, say):
    names, found = [network.ns_name(f"{LAB}-{os.getpid()}", s) for s in ADDRESS], {}
    try:
        wire(names)
        for g in groups:
            found[g] = one(folder, names, version, g, tunnels)
            say("strongSwan", version, g, found[g])
    finally:
        network.kill_all(lambda: [p for ns in names for p in network.pids(ns)])
        for ns in names:
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL,
                           stdin=subprocess.DEVNULL)
    return found
