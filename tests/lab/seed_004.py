"""What seed 004 prints of phase 2; values in braces differ from box to box."""
from harness import check, squeeze

SEED_IPSEC = """\
interface: GigabitEthernet0/0
Crypto map tag: vpn, local addr 19.26.116.141
protected vrf: (none)
local ident (addr/mask/prot/port): (192.168.20.25/255.255.255.255/0/0)
remote ident (addr/mask/prot/port): (172.21.91.37/255.255.255.255/0/0)
current_peer 19.26.116.137 port 500
PERMIT, flags={origin_is_acl,}
#pkts encaps: {0}, #pkts encrypt: {0}, #pkts digest: {0}
#pkts decaps: {4}, #pkts decrypt: {4}, #pkts verify: {4}
#pkts compressed: 0, #pkts decompressed: 0
#pkts not compressed: 0, #pkts compr. failed: 0
#pkts not decompressed: 0, #pkts decompress failed: 0
#send errors 0, #recv errors 0
local crypto endpt.: 19.26.116.141, remote crypto endpt.: 19.26.116.137
path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/0
current outbound spi: {0x74E1A91F}({1960945951})
PFS (Y/N): Y, DH group: group14
inbound esp sas:
spi: {0x2C3EB4EE}({742307054})
transform: esp-256-aes esp-sha256-hmac ,
in use settings ={Tunnel, }
conn id: {5}, flow_id: SW:{5}, sibling_flags 80000046, crypto map: vpn
sa timing: remaining key lifetime (k/sec): ({4512351}/{3283})
IV size: 16 bytes
replay detection support: Y
Status: ACTIVE
inbound ah sas:
inbound pcp sas:
outbound esp sas:
spi: {0x74E1A91F}({1960945951})
transform: esp-256-aes esp-sha256-hmac ,
in use settings ={Tunnel, }
conn id: {6}, flow_id: SW:{6}, sibling_flags 80000046, crypto map: vpn
sa timing: remaining key lifetime (k/sec): ({4512352}/{3283})
IV size: 16 bytes
replay detection support: Y
Status: ACTIVE
outbound ah sas:
outbound pcp sas:
protected vrf: (none)
local ident (addr/mask/prot/port): (172.21.91.37/255.255.255.255/0/0)
remote ident (addr/mask/prot/port): (192.168.20.25/255.255.255.255/0/0)
current_peer 19.26.116.137 port 500
PERMIT, flags={origin_is_acl,}
#pkts encaps: 0, #pkts encrypt: 0, #pkts digest: 0
#pkts decaps: 0, #pkts decrypt: 0, #pkts verify: 0
#pkts compressed: 0, #pkts decompressed: 0
#pkts not compressed: 0, #pkts compr. failed: 0
#pkts not decompressed: 0, #pkts decompress failed: 0
#send errors 0, #recv errors 0
local crypto endpt.: 19.26.116.141, remote crypto endpt.: 19.26.116.137
path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/0
current outbound spi: 0x0(0)
PFS (Y/N): N, DH group: none
inbound esp sas:
inbound ah sas:
inbound pcp sas:
outbound esp sas:
outbound ah sas:
outbound pcp sas:"""


def first_identity(text):
    """What stands of `show crypto ipsec sa` until its second identity."""
    head, _, rest = squeeze(text).partition("\nprotected vrf: (none)\n")
    return head + "\nprotected vrf: (none)\n" + rest.split("\nprotected vrf: (none)")[0]


def seed_ipsec():
    """The seed's output with the peer and the list of its configuration: it prints another one's."""
    text = first_identity(SEED_IPSEC)
    for was, now in (("19.26.116.137", "20.15.6.6"),
                     ("172.21.91.37/255.255.255.255", "172.21.90.0/255.255.254.0")):
        check(was in text, was)
        text = text.replace(was, now)
    return text
