"""What the tests against strongSwan share: its configuration, the suites, looks at both ends."""
import contextlib
import os
import re
import tempfile

import network
import pings
from charon import Charon
from harness import check, equal, lab_up, ping, poll, show, squeeze

CONNECTION = """\
connections {{
  box {{
    version = 2
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = {ike}
    {more}
    local {{
      auth = psk
      id = 198.51.100.20
    }}
    remote {{
      auth = psk
      id = {remote_id}
    }}
    children {{
      {children}
    }}
  }}
}}
secrets {{
  ike-box {{
    id = {remote_id}
    secret = "{secret}"
  }}
}}
"""
CHILD = """\
{name} {{
        local_ts = {local_ts}
        remote_ts = {remote_ts}
        esp_proposals = {esp}
      }}
"""
NET = ("net", "10.20.0.0/24", "10.10.0.0/24")
# A second child: the box's line for it, and both for strongSwan.
SECOND = "access-list CRYPTO extended permit ip 10.10.0.0 255.255.255.0 10.21.0.0 255.255.255.0"
TWO = (NET, ("other", "10.21.0.0/24", "10.10.0.0/24"))
# Lines that make our IKE_AUTH longer than the 548 bytes above which we cut, and what undoes them.
LIST, NAMES = "crypto map MAP 1 set ikev2 ipsec-proposal PROPOSAL", [f"P{i}" for i in range(10)]
MANY_PROPOSALS = (
    "".join(f"crypto ipsec ikev2 ipsec-proposal {n}\n"
            "protocol esp encryption aes-256 aes-192 aes 3des\n"
            "protocol esp integrity sha-512 sha-384 sha-256 sha-1\n" for n in NAMES)
    + f"{LIST} {' '.join(NAMES)}",
    LIST + "\n" + "\n".join(f"no crypto ipsec ikev2 ipsec-proposal {n}" for n in NAMES))
# name: (ikev2 policy, ESP proposal, strongSwan's words for both, and how it shows the IKE suite)
SUITES = {
    "aes-cbc, sha256, group 21": (
        "encryption aes-256\nintegrity sha256\nprf sha256\ngroup 21",
        "protocol esp encryption aes-256\nprotocol esp integrity sha-256",
        "aes256-sha256-prfsha256-ecp521", "aes256-sha256",
        "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_521"),
    "aes-gcm, group 14": (
        "encryption aes-gcm-256\nintegrity null\nprf sha384\ngroup 14",
        "protocol esp encryption aes-gcm-256\nprotocol esp integrity null",
        "aes256gcm16-prfsha384-modp2048", "aes256gcm16",
        "AES_GCM_16-256/PRF_HMAC_SHA2_384/MODP_2048"),
    "aes-gcm 128, group 31": (
        "encryption aes-gcm\nintegrity null\nprf sha256\ngroup 31",
        "protocol esp encryption aes-gcm\nprotocol esp integrity null",
        "aes128gcm16-prfsha256-curve25519", "aes128gcm16",
        "AES_GCM_16-128/PRF_HMAC_SHA2_256/CURVE_25519"),
    "aes-cbc, sha256, group 19": (
        "encryption aes-256\nintegrity sha256\nprf sha256\ngroup 19",
        "protocol esp encryption aes-256\nprotocol esp integrity sha-256",
        "aes256-sha256-prfsha256-ecp256", "aes256-sha256",
        "AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256"),
    "aes-cbc 128, sha1, group 19; ESP sha512": (
        "encryption aes\nintegrity sha\nprf sha\ngroup 19",
        "protocol esp encryption aes\nprotocol esp integrity sha-512",
        "aes128-sha1-prfsha1-ecp256", "aes128-sha512",
        "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/ECP_256"),
}


@contextlib.contextmanager
def fixture(name="t-strongswan", folder="strongswan-lab", addresses=("10.20.0.1/24",)):
    lab_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), folder)
    with lab_up(lab_dir, name) as lab:
        network.ip(ns=lab.ns("peer"), batch=[f"addr add {a} dev lo" for a in addresses])
        yield lab


def connection(ike, esp, secret="Shared-Secret", children=(NET,), more="", local="198.51.100.20",
               remote="198.51.100.10", remote_id="198.51.100.10"):
    text = "".join(CHILD.format(name=n, local_ts=l, remote_ts=r, esp=esp) for n, l, r in children)
    return CONNECTION.format(ike=ike, secret=secret, children=text, more=more, local=local,
                             remote=remote, remote_id=remote_id)


@contextlib.contextmanager
def peer(lab, ike, esp, settings="", **kw):
    """strongSwan on the node `peer`; its log is shown when the block fails."""
    with tempfile.TemporaryDirectory() as folder:
        with Charon(lab.ns("peer"), folder, connection(ike, esp, **kw), settings) as charon:
            try:
                yield charon
            except BaseException:
                print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-60:]), end="")
                raise


def configure(box, text):
    r = box.paste(text + "\n")
    check(r.returncode == 0, r.stdout)
    show(box, "show version")  # an EXEC command waits until what was typed is in force


@contextlib.contextmanager
def configured(box, text, undo=None):
    """Lines that hold for the length of a block; undo: what takes them back, when `no` does not."""
    configure(box, text)
    try:
        yield
    finally:
        configure(box, undo or "\n".join("no " + l for l in reversed(text.splitlines())))


def use(box, policy, proposal):
    """Gives the box another suite and ends the SAs of the old one."""
    text = ("no crypto ikev2 policy 1\ncrypto ikev2 policy 1\n" + policy +
            "\ncrypto ipsec ikev2 ipsec-proposal PROPOSAL\n" + proposal + "\n")
    configure(box, text)
    show(box, "clear crypto ikev2 sa")


def agrees(box, charon, role, suite):
    """Both ends show one tunnel with the same SPIs."""
    ours = squeeze(show(box, "show crypto ikev2 sa"))
    check(f"READY {role}" in ours, ours)
    check("/4500" in ours, f"not on UDP 4500:\n{ours}")
    theirs = charon.swanctl("--list-sas").stdout
    check(suite in theirs and "TUNNEL-in-UDP" in theirs, theirs)
    m = re.search(r"ESP spi in/out: 0x([0-9a-f]+)/0x([0-9a-f]+)", ours)
    check(m, ours)
    for word, spi in (("out", m.group(1)), ("in", m.group(2))):
        check(re.search(rf"\b{word}\s+{int(spi, 16):08x}\b", theirs), f"{ours}\n{theirs}")


def child_spis(box):
    return re.findall(r"ESP spi in/out: (\S+)/(\S+)", show(box, "show crypto ikev2 sa"))


def ike_spis(box):
    return re.findall(r"Local spi: (\w+) +Remote spi: (\w+)",
                      show(box, "show crypto ikev2 sa detail"))


def rekeyed(what, read, before):
    """Until there is one SA again, and it is another one."""
    poll(lambda: len(read()) == 1 and read() != before, 10, f"{what}: another SA in place of {before}")


@contextlib.contextmanager
def traffic(lab):
    """A hundred pings a second, fifty before and a hundred after; each must be answered."""
    with pings.Flow(lab.ns("inside"), "10.20.0.1", 100, 0.01, size=1000) as flow:
        yield
    equal(flow.received, flow.sent, "answered while keys were replaced")
