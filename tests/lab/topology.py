"""The topology file of a lab: nodes, links, routes of the plain nodes (format: docs/lab.md).

Pure: text in, a Topology out, or a TopologyError that names the line.
"""
import ipaddress
import re
from dataclasses import dataclass, field

KINDS = ("box", "router", "host")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")


class TopologyError(Exception):
    """What is wrong with a topology file, with its line."""


@dataclass
class Node:
    name: str
    kind: str  # one of KINDS
    personality: str = ""  # boxes only: asa or ios
    routes: list = field(default_factory=list)  # (destination, gateway) of routers and hosts


@dataclass
class End:
    node: str
    what: str  # addresses with their lengths (commas between), or the port name of a box

    def addresses(self):
        return self.what.split(",")


@dataclass
class Link:
    name: str
    ends: list


@dataclass
class Topology:
    login: tuple = ("", "")  # user and password that the day0 files give to the boxes
    nodes: dict = field(default_factory=dict)
    links: dict = field(default_factory=dict)
    pings: list = field(default_factory=list)  # (host, address): the lab is ready when these work

    def ipv6(self):
        """True when a router or host has an IPv6 address: the lab's wires carry it then."""
        return any(":" in e.what for l in self.links.values() for e in l.ends)

    def boxes(self):
        return [n for n in self.nodes.values() if n.kind == "box"]


def _node(topo, words):
    kind, name = words[0], words[1]
    if not NAME.match(name) or name in topo.nodes:
        raise TopologyError(f"bad or repeated name {name}")
    if kind == "box":
        if len(words) != 3 or words[2] not in ("asa", "ios"):
            raise TopologyError("box NAME asa|ios")
        topo.nodes[name] = Node(name, kind, words[2])
    elif len(words) == 2:
        topo.nodes[name] = Node(name, kind)
    else:
        raise TopologyError(f"{kind} NAME")


def _link(topo, words):
    name, rest = words[1], words[2:]
    if not NAME.match(name) or name in topo.links:
        raise TopologyError(f"bad or repeated link {name}")
    if len(rest) < 4 or len(rest) % 2:
        raise TopologyError("link NAME NODE ADDRESS|PORT NODE ADDRESS|PORT …")
    ends = []
    for node, what in zip(rest[::2], rest[1::2]):
        if node not in topo.nodes:
            raise TopologyError(f"no node {node}")
        if topo.nodes[node].kind != "box":
            for address in what.split(","):
                ipaddress.ip_interface(address)
        ends.append(End(node, what))
    topo.links[name] = Link(name, ends)


def _route(topo, words):
    if len(words) != 4 or words[1] not in topo.nodes:
        raise TopologyError("route NODE default|PREFIX GATEWAY")
    if topo.nodes[words[1]].kind == "box":
        raise TopologyError(f"{words[1]} is a box: its routes stand in its configuration")
    if words[2] != "default":
        ipaddress.ip_network(words[2])
    ipaddress.ip_address(words[3])
    topo.nodes[words[1]].routes.append((words[2], words[3]))


def _line(topo, words):
    if words[0] == "login" and len(words) == 3:
        topo.login = (words[1], words[2])
    elif words[0] in KINDS and len(words) > 1:
        _node(topo, words)
    elif words[0] == "link" and len(words) > 1:
        _link(topo, words)
    elif words[0] == "route":
        _route(topo, words)
    elif words[0] == "ping" and len(words) == 3 and words[1] in topo.nodes:
        ipaddress.ip_address(words[2])
        topo.pings.append((words[1], words[2]))
    else:
        raise TopologyError(f"not understood: {' '.join(words)}")


def parse(text, name="topology"):
    """Text of a topology file → Topology."""
    topo = Topology()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        try:
            _line(topo, words)
        except (TopologyError, ValueError) as e:
            raise TopologyError(f"{name}:{number}: {e}") from None
    return topo
