"""The network of bench_soak: two boxes that share the tunnels of one peer, which has an IKE SA with them on
each of its ports - IKEv2 on even ones, IKEv1 on odd ones - with some children each; and a host on each side
that has an address in every one of their networks."""
import os

import stateful

DAY0 = "hostname {}\nusername admin privilege 15 secret cisco123\n"
IKE = """crypto isakmp policy 1
 authentication pre-share
 encryption aes 256
 hash sha256
 group 19
crypto ikev2 proposal P
 encryption aes-cbc-256
 integrity sha256
 group 19
crypto ikev2 policy P
 proposal P
crypto ipsec transform-set GCM esp-gcm 256
"""
PROFILE = """crypto isakmp key Shared-Secret address {key} {mask}
crypto ikev2 keyring K
 peer OTHER
  address {key} {mask}
  pre-shared-key Shared-Secret
crypto ikev2 profile P
 match identity remote address {key} {mask}
 authentication remote pre-share
 authentication local pre-share
 keyring local K
"""


def flows(o):
    """(address of host1, address of host2) of each child."""
    return [(f"22.{p}.{k}.10", f"21.{p}.{k}.10") for p in range(o.peers) for k in range(o.children)]


def version(p):
    """Of IKE, on this port of the peer."""
    return 1 if p % 2 else 2


def write_topology(folder, o):
    near = ",".join(["10.3.0.10/24"] + [f"{b}/32" for _, b in flows(o)])
    far = ",".join(["10.4.0.10/24"] + [f"{a}/32" for a, _ in flows(o)])
    lines = ["login admin cisco123", "box A ios", "box B ios", "box PEER ios", "router R",
             "host host1", "host host2",
             "link outside A GigabitEthernet0/0 B GigabitEthernet0/0 R 10.1.0.1/24",
             f"link inside A GigabitEthernet0/1 B GigabitEthernet0/1 host2 {near}",
             "link between A GigabitEthernet0/2 B GigabitEthernet0/2",
             f"link branch PEER GigabitEthernet0/{o.peers} host1 {far}"]
    lines += [f"link far{p} R 10.2.{p}.1/24 PEER GigabitEthernet0/{p}" for p in range(o.peers)]
    lines += ["route host1 default 10.4.0.1", "route host2 default 10.3.0.100"]
    with open(os.path.join(folder, "topology"), "w") as f:
        f.write("\n".join(lines) + "\n")


def entry(lines, name, seq, p, peer, o):
    """An entry of a crypto map for what goes over one port of the peer."""
    acl = "".join(f" permit ip {lines[0]}.{p}.{k}.0 0.0.0.255 {lines[1]}.{p}.{k}.0 0.0.0.255\n"
                  for k in range(o.children))
    life = f" set security-association lifetime seconds {o.lifetime}\n" if o.lifetime else ""
    return (f"ip access-list extended L{p}\n{acl}crypto map {name} {seq} ipsec-isakmp\n"
            f" set peer {peer}\n set transform-set GCM\n{life}"
            + (" set ikev2-profile P\n" if version(p) == 2 else "") + f" match address L{p}\n")


def port(number, address, extra=""):
    return (f"interface GigabitEthernet0/{number}\n ip address {address} 255.255.255.0\n{extra}"
            " no shutdown\n")


def hub(box, o):
    me, other = (3, 4) if box == stateful.BOXES[0] else (4, 3)
    group = (" standby delay minimum 0 reload 0\n standby {n} ip {vip}\n standby {n} name {name}\n"
             " standby {n} timers {timers}\n").format
    return (DAY0.format(box) + stateful.link(me, other) + IKE
            + PROFILE.format(key="10.2.0.0", mask="255.255.0.0")
            + "".join(entry((21, 22), "MAP", p + 1, p, f"10.2.{p}.2", o) for p in range(o.peers))
            + port(2, f"10.9.0.{me}")
            + port(0, f"10.1.0.{me}", group(n=1, vip="10.1.0.100", name="OUTSIDE", timers=o.timers)
                   + " crypto map MAP redundancy OUTSIDE stateful\n")
            + port(1, f"10.3.0.{me}", group(n=2, vip="10.3.0.100", name="INSIDE", timers=o.timers))
            + "ip route 0.0.0.0 0.0.0.0 10.1.0.1\nip route 21.0.0.0 255.0.0.0 10.3.0.10\n")


def peer(o):
    text = [DAY0.format("PEER"), IKE, PROFILE.format(key="10.1.0.100", mask="255.255.255.255")]
    for p in range(o.peers):
        text += [entry((22, 21), f"MAP{p}", 1, p, "10.1.0.100", o),
                 port(p, f"10.2.{p}.2", f" crypto map MAP{p}\n"),
                 f"ip route 21.{p}.0.0 255.255.0.0 10.2.{p}.1\nip route 10.1.0.0 255.255.255.0 10.2.{p}.1\n"]
    return "".join(text + [port(o.peers, "10.4.0.1"), "ip route 22.0.0.0 255.0.0.0 10.4.0.10\n"])
