"""Namespaces and links of a lab, through iproute2.

Each node is a network namespace `tnd-LAB-NODE`. Each link is a bridge in the lab's own
namespace `tnd-LAB`, with one veth per end, so that a link can be cut (every end loses its
carrier, nobody's admin state changes) and captured without touching a node. Nothing is ever
created in the machine's own namespace.
"""
import ctypes
import os
import signal
import subprocess
import time

PREFIX = "tnd-"
CLONE_NEWNET = 0x40000000


class NetworkError(Exception):
    """An ip command that did not work."""


def ns_name(lab, node=None):
    return PREFIX + lab + (f"-{node}" if node else "")


def ip(*args, ns=None, batch=None):
    """Runs ip(8), in a namespace and with a batch of lines where given. Returns its output."""
    cmd = ["ip"] + (["-n", ns] if ns else []) + (["-batch", "-"] if batch else list(args))
    r = subprocess.run(cmd, input="\n".join(batch) + "\n" if batch else None, text=True,
                       capture_output=True, stdin=None if batch else subprocess.DEVNULL)
    if r.returncode:
        raise NetworkError(f"{' '.join(cmd)}: {r.stderr.strip() or r.stdout.strip()}")
    return r.stdout


def namespaces():
    """Names of all network namespaces of this machine."""
    return [l.split()[0] for l in ip("netns", "list").splitlines() if l.strip()]


def enter(ns):
    """Moves this process (its calling thread) into a namespace: setns(2)."""
    fd = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {ns}")
    finally:
        os.close(fd)


def run(ns, argv, **kw):
    """Runs a program inside a namespace; a subprocess.CompletedProcess."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(["ip", "netns", "exec", ns, *argv], **kw)


def pids(ns):
    try:
        return [int(p) for p in ip("netns", "pids", ns).split()]
    except NetworkError:
        return []


def create(lab, topo):
    """Makes all namespaces and links; addresses and routes of routers and hosts."""
    wires = ns_name(lab)
    ip("netns", "add", wires)
    for node in topo.nodes:
        ip("netns", "add", ns_name(lab, node))
    for ns in [wires] + [ns_name(lab, n) for n in topo.nodes]:
        _defaults(ns, forward=ns != wires and topo.nodes[ns[len(wires) + 1:]].kind == "router",
                  ipv6=ns != wires and topo.ipv6())
    setup = {node: ["link set lo up"] for node in topo.nodes}
    wire_setup = []
    ports = {node: [] for node in topo.nodes}
    for i, link in enumerate(topo.links.values()):
        wire_setup += _bridge(i)
        for j, end in enumerate(link.ends):
            dev = f"eth{len(ports[end.node])}"
            ports[end.node].append((end.what, dev))
            ip("link", "add", "name", dev, "netns", ns_name(lab, end.node), "type", "veth",
               "peer", "name", wire_port(i, j), "netns", wires)
            wire_setup += [f"link set dev {wire_port(i, j)} master {bridge(i)} up"]
            if topo.nodes[end.node].kind != "box":
                setup[end.node] += [f"addr add {a} dev {dev}{' nodad' if ':' in a else ''}"
                                    for a in end.addresses()] + [f"link set dev {dev} up"]
    ip(ns=wires, batch=wire_setup)
    for node in topo.nodes.values():
        setup[node.name] += [f"route add {_any(gw) if dst == 'default' else dst} via {gw}"
                             for dst, gw in node.routes]
        ip(ns=ns_name(lab, node.name), batch=setup[node.name])
    return ports


def _any(gateway):
    return "::/0" if ":" in gateway else "0.0.0.0/0"


def bridge(link_index):
    return f"link{link_index}"


def wire_port(link_index, end_index):
    return f"l{link_index}e{end_index}"


def _bridge(i):
    return [f"link add name {bridge(i)} type bridge forward_delay 0 mcast_snooping 0",
            f"link set dev {bridge(i)} up"]


def _defaults(ns, forward, ipv6):
    """What a fresh namespace needs: IPv6 quiet where a lab has none, forwarding on routers, bare
    bridges."""
    off = int(not ipv6)
    lines = [f"/proc/sys/net/ipv6/conf/all/disable_ipv6={off}",
             f"/proc/sys/net/ipv6/conf/default/disable_ipv6={off}",
             "/proc/sys/net/bridge/bridge-nf-call-iptables=0",  # a wire is no firewall
             "/proc/sys/net/bridge/bridge-nf-call-ip6tables=0"]
    if forward:
        lines += ["/proc/sys/net/ipv4/ip_forward=1", "/proc/sys/net/ipv6/conf/all/forwarding=1"]
    script = "".join(f"[ ! -e {l.split('=')[0]} ] || echo {l.split('=')[1]} >{l.split('=')[0]}; "
                     for l in lines)
    r = run(ns, ["sh", "-c", script], capture_output=True, text=True)
    if r.returncode:
        raise NetworkError(f"sysctl in {ns}: {r.stderr.strip()}")


def _ends(topo, i, node):
    """The wire's ports of a link: all of them, or those of one node."""
    return [wire_port(i, j) for j, end in enumerate(list(topo.links.values())[i].ends)
            if node in (None, end.node)]


def set_link(lab, topo, name, up, node=None):
    """Cuts or heals a link: the carrier of every end goes or comes back, or of one node's end alone."""
    i = list(topo.links).index(name)
    ip(ns=ns_name(lab), batch=[f"link set dev {port} {'up' if up else 'down'}"
                               for port in _ends(topo, i, node)])


def set_switch(lab, topo, name, carries, node):
    """A switch that carries nothing for one node, whose carrier stays: it cannot know."""
    i = list(topo.links).index(name)
    ip(ns=ns_name(lab), batch=[f"link set dev {port} {f'master {bridge(i)}' if carries else 'nomaster'}"
                               for port in _ends(topo, i, node)])


def destroy(lab, nodes):
    """Kills what runs in the lab's namespaces and deletes them. Never fails."""
    there = [ns for ns in [ns_name(lab, n) for n in nodes] + [ns_name(lab)] if ns in namespaces()]
    kill_all(lambda: [p for ns in there for p in pids(ns)])
    for ns in there:
        subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL)


def kill_all(find, grace=3.0):
    """Ends processes: SIGTERM once, then SIGKILL after `grace` seconds until none is left, or a minute
    has passed."""
    for p in find():
        _signal(p, signal.SIGTERM)
    soft = time.monotonic() + grace
    while left := find():
        if time.monotonic() > soft + 60:
            return
        if time.monotonic() > soft:
            for p in left:
                _signal(p, signal.SIGKILL)
        time.sleep(0.02)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
