"""Configurations of boxes with many tunnels: an ASA with either version of IKE, a router with version 1."""


class Asa2:
    """One box: its ports, and for each tunnel (own port, the other's port) what it protects."""
    PERSONALITY, CLEAR = "asa", "clear crypto ikev2 sa"
    DAY0 = ("hostname {name}\nenable password cisco123\n"
            "username admin password cisco123 privilege 15\n")
    SHOWS = ["show crypto ikev2 sa", "show vpn-sessiondb l2l", "show crypto ipsec sa"]
    SUITE = ("crypto ipsec ikev2 ipsec-proposal SUITE\nprotocol esp encryption aes-256\n"
             "protocol esp integrity sha-256\n")
    USES = "set ikev2 ipsec-proposal SUITE"
    ENABLE = "crypto ikev2 enable"
    HELLOS = None  # the port that sends HSRP's
    KEYS = ("ikev2 remote-authentication pre-shared-key Shared-Secret\n"
            "ikev2 local-authentication pre-shared-key Shared-Secret\n")

    def __init__(self, name, number, ports, other_number, other_ports):
        self.name, self.number, self.ports = name, number, ports
        self.other_number, self.other_ports = other_number, other_ports

    def address(self, port):
        return f"10.{self.number}.{port}.2"

    def gateway(self, port):
        return f"10.{self.number}.{port}.1"

    def peer(self, port):
        return f"10.{self.other_number}.{port}.2"

    def net(self, port, other):
        """What stands behind this box in the tunnel between these two ports."""
        return f"{20 + self.number}.{other}.{port}.0"

    def their_net(self, port, other):
        return f"{20 + self.other_number}.{port}.{other}.0"

    def asks(self):
        """Source and destination of one packet for each tunnel."""
        for p in range(self.ports):
            for k in range(self.other_ports):
                yield (self.net(p, k)[:-1] + "1", self.their_net(p, k)[:-1] + "1")

    def routes(self):
        """(own port, network, mask): their networks by the port of the tunnel."""
        for p in range(self.ports):
            yield p, f"{20 + self.other_number}.{p}.0.0", "255.255.0.0"

    def way_to_peers(self):
        """As a daemon beside would lead to them: by a route of the box each peer had one interface, and
        the platform makes no tunnel with it on another (semantics.md)."""
        return ["ip", "route", "replace", f"10.{self.other_number}.0.0/16", "via", self.gateway(0)]

    def policy(self, group):
        return ("no crypto ikev2 policy 1\ncrypto ikev2 policy 1\nencryption aes-256\n"
                f"integrity sha256\nprf sha256\ngroup {group}\nlifetime seconds 86400\n")

    def config(self, group):
        t = [self.policy(group)[len("no crypto ikev2 policy 1\n"):], self.SUITE,
             # as with dos_protection = no and init_limit_half_open = 0; for both versions
             "crypto ikev2 cookie-challenge never\ncrypto ikev2 limit max-in-negotiation-sa 100\n"]
        for p in range(self.ports):
            t.append(f"interface GigabitEthernet0/{p}\nnameif out{p}\nsecurity-level 0\n"
                     f"ip address {self.address(p)} 255.255.255.0\nno shutdown\n")
        t += [f"route out{p} {net} {mask} {self.gateway(p)} 1\n" for p, net, mask in self.routes()]
        t += [self._tunnel(p, k) for p in range(self.ports) for k in range(self.other_ports)]
        t += [f"tunnel-group {self.peer(k)} type ipsec-l2l\n"
              f"tunnel-group {self.peer(k)} ipsec-attributes\n{self.KEYS}"
              for k in range(self.other_ports)]
        t += [f"crypto map MAP{p} interface out{p}\n{self.ENABLE} out{p}\n"
              for p in range(self.ports)]
        return "".join(t)

    def _tunnel(self, p, k):
        return (f"access-list L{p}-{k} extended permit ip {self.net(p, k)} 255.255.255.0 "
                f"{self.their_net(p, k)} 255.255.255.0\n"
                f"crypto map MAP{p} {k + 1} match address L{p}-{k}\n"
                f"crypto map MAP{p} {k + 1} set peer {self.peer(k)}\n"
                f"crypto map MAP{p} {k + 1} {self.USES}\n")

    def quiet(self, show):
        return "There are no IKEv2 SAs" in show("show crypto ikev2 sa")


class Asa1(Asa2):
    CLEAR = "clear crypto ikev1 sa"
    SHOWS = ["show crypto ikev1 sa", "show vpn-sessiondb l2l", "show crypto ipsec sa"]
    SUITE = "crypto ipsec ikev1 transform-set SUITE esp-aes-256 esp-sha-hmac\n"
    USES = "set ikev1 transform-set SUITE"
    ENABLE = "crypto ikev1 enable"
    KEYS = "ikev1 pre-shared-key Shared-Secret\n"

    def policy(self, group):
        return ("no crypto ikev1 policy 1\ncrypto ikev1 policy 1\nauthentication pre-share\n"
                f"encryption aes-256\nhash sha\ngroup {group}\nlifetime 86400\n")

    def quiet(self, show):
        return "There are no IKEv1 SAs" in show("show crypto ikev1 sa")


class Ios1(Asa2):
    PERSONALITY, CLEAR = "ios", "clear crypto session"
    DAY0 = "hostname {name}\nusername admin privilege 15 secret cisco123\n"
    SHOWS = ["show crypto session brief", "show crypto session", "show crypto isakmp sa",
             "show crypto ipsec sa count", "show crypto ipsec sa"]
    HELLOS = "GigabitEthernet0/0"

    def policy(self, group):
        return ("no crypto isakmp policy 1\ncrypto isakmp policy 1\nauthentication pre-share\n"
                f"encryption aes 256\nhash sha\ngroup {group}\nlifetime 86400\n")

    def config(self, group):
        t = [self.policy(group)[len("no crypto isakmp policy 1\n"):],
             "crypto ipsec transform-set SUITE esp-aes 256 esp-sha-hmac\n"]
        t += [f"crypto isakmp key Shared-Secret address {self.peer(k)}\n"
              for k in range(self.other_ports)]
        t += [self._tunnel(p, k) for p in range(self.ports) for k in range(self.other_ports)]
        for p in range(self.ports):
            t.append(f"interface GigabitEthernet0/{p}\n"
                     f"ip address {self.address(p)} 255.255.255.0\ncrypto map MAP{p}\n"
                     "no shutdown\n")
        t.append(f"interface {self.HELLOS}\nstandby delay minimum 0 reload 0\n"
                 f"standby 1 ip {self.address(0)[:-1]}100\nstandby 1 timers msec 100 1\n")
        t += [f"ip route {net} {mask} {self.gateway(p)}\n" for p, net, mask in self.routes()]
        return "".join(t)

    def _tunnel(self, p, k):
        return (f"ip access-list extended L{p}-{k}\n"
                f"permit ip {self.net(p, k)} 0.0.0.255 {self.their_net(p, k)} 0.0.0.255\n"
                f"crypto map MAP{p} {k + 1} ipsec-isakmp\nset peer {self.peer(k)}\n"
                f"set transform-set SUITE\nmatch address L{p}-{k}\n")

    def quiet(self, show):
        return "QM_IDLE" not in show("show crypto isakmp sa")


class Third(Asa2):
    """A box with one tunnel to the responder, in IKEv2 whatever the others speak."""
    POLICY = "crypto ikev2 policy 9\nencryption aes-256\nintegrity sha256\nprf sha256\ngroup 19\n"
    SUITE = Asa2.SUITE.replace("SUITE", "THIRD")
    KEYS = Asa2.KEYS + "isakmp keepalive disable\n"

    def config(self, group):
        return (f"interface GigabitEthernet0/0\nnameif out0\nsecurity-level 0\n"
                f"ip address {self.address(0)} 255.255.255.0\nno shutdown\n"
                f"route out0 0.0.0.0 0.0.0.0 {self.gateway(0)} 1\n" +
                self._end("out0", "MAP", (self.net(0, 0), self.their_net(0, 0)), self.peer(0)) +
                "crypto map MAP interface out0\n")

    def config_of_other(self):
        """What the responder has for this tunnel."""
        gateway = f"10.{self.other_number}.0.1"
        return (f"route out0 {self.net(0, 0)} 255.255.0.0 {gateway} 1\n"
                f"route out0 10.{self.number}.0.0 255.255.0.0 {gateway} 1\n" +
                self._end("out0", "MAP0", (self.their_net(0, 0), self.net(0, 0)), self.address(0)))

    def _end(self, port, name, nets, peer):
        return (self.POLICY + self.SUITE +
                f"access-list THIRD extended permit ip {nets[0]} 255.255.255.0 {nets[1]} 255.255.255.0\n"
                f"crypto map {name} 5000 match address THIRD\ncrypto map {name} 5000 set peer {peer}\n"
                f"crypto map {name} 5000 set ikev2 ipsec-proposal THIRD\n"
                f"tunnel-group {peer} type ipsec-l2l\ntunnel-group {peer} ipsec-attributes\n"
                f"{self.KEYS}crypto ikev2 enable {port}\n")


# the initiator's and the responder's side, by the version of IKE
SIDES = {2: (Asa2, Asa2), 1: (Ios1, Asa1)}
