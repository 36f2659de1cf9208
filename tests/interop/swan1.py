"""What the tests of IKEv1 against strongSwan share: its configuration, ours, looks at both ends."""
import contextlib
import os
import re
import tempfile

import network
import pings
from charon import Charon
from harness import check, equal, lab_up, ping, poll, show, squeeze
from swan import CHILD

CONNECTION = """\
  {box} {{
    version = 1
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = {ike}
    {more}
    local {{
      auth = psk
      id = {own_id}
    }}
    remote {{
      auth = psk
      id = {remote_id}
    }}
    children {{
      {children}
    }}
  }}
"""
SECRET = """\
  ike-{box} {{
    id = {remote_id}
    secret = "{secret}"
  }}
"""
STRANGER = "198.51.100.20"
# Our boxes: their address, the host and network behind them, how they say the same things.
ADDRESS = {"BOX": "198.51.100.10", "R1": "198.51.100.11"}
HOST = {"BOX": "inside", "R1": "inside1"}
NETWORK = {"BOX": "10.10.0.0/24", "R1": "10.11.0.0/24"}
SA = {"BOX": "show crypto ikev1 sa", "R1": "show crypto isakmp sa"}
CLEAR = {"BOX": "clear crypto ikev1 sa", "R1": "clear crypto isakmp"}
UP = {"BOX": "MM_ACTIVE", "R1": "QM_IDLE"}


@contextlib.contextmanager
def fixture(name, addresses=("10.20.0.1/24",)):
    lab_dir = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ikev1-lab")
    with lab_up(lab_dir, name) as lab:
        network.ip(ns=lab.ns("peer"), batch=[f"addr add {a} dev lo" for a in addresses])
        yield lab


def connection(box, ike, esp, secret="Shared-Secret", more="", child="", local=STRANGER,
               remote=None, own_id=STRANGER, remote_id=None, theirs="10.20.0.0/24"):
    """The connection to one of our boxes. ike: strongSwan's proposals; more, child: further lines."""
    remote = remote or ADDRESS[box]
    remote_id = remote_id or ADDRESS[box]
    children = CHILD.format(name="net", local_ts=theirs, remote_ts=NETWORK[box],
                            esp=f"{esp}\n        {child}")
    return (CONNECTION.format(box=box, ike=ike, more=more, children=children, local=local,
                              remote=remote, own_id=own_id, remote_id=remote_id),
            SECRET.format(box=box, remote_id=remote_id, secret=secret))


@contextlib.contextmanager
def peer(lab, box, ike, esp, settings="", **kw):
    """strongSwan on the node `peer` for one of our boxes; its log is shown when the block fails."""
    one, secret = connection(box, ike, esp, **kw)
    text = "connections {\n" + one + "}\nsecrets {\n" + secret + "}\n"
    with tempfile.TemporaryDirectory() as folder:
        with Charon(lab.ns("peer"), folder, text, settings) as charon:
            try:
                yield charon
            except BaseException:
                print("".join(f"# charon: {l}\n" for l in charon.log().splitlines()[-80:]), end="")
                raise


def esp_spis(box):
    """(inbound, outbound) of every child that is shown."""
    found = re.findall(r"^ *spi: 0x([0-9A-Fa-f]+) ?\(", show(box, "show crypto ipsec sa"), re.M)
    numbers = [int(spi, 16) for spi in found]
    return list(zip(numbers[::2], numbers[1::2]))


def none_left(box):
    return not is_up(box) and not esp_spis(box)


def is_up(box):
    return UP[box.name] in show(box, SA[box.name])


def clear(box):
    """Both phases; IOS has a command for each."""
    show(box, CLEAR[box.name])
    if box.name == "R1":
        show(box, "clear crypto sa")


def log_of(box):
    """What our engine has logged."""
    with open(box.log, errors="replace") as f:
        return f.read()


def we_initiate(lab, name):
    """Traffic asks for the tunnel. A responder may get the first packets before the message that
    lets it use its SA (RFC 2409 §5.5), so they may be lost; from the first answer on none is."""
    poll(lambda: ping(lab, HOST[name], "10.20.0.1", count=1, wait=2), 20, "a first answer")


def pings_pass(lab, name, what, count=5):
    equal(ping(lab, HOST[name], "10.20.0.1", count=count), count, f"pings, {what}")


def it_initiates(charon):
    r = charon.swanctl("--initiate", "--child", "net")
    equal(r.returncode, 0, r.stdout + r.stderr)


def role(box):
    """Who has begun phase 1, by what each dialect shows."""
    text = squeeze(show(box, SA[box.name]))
    if box.name == "BOX":
        return re.search(r"Role : (\w+)", text).group(1)
    dst = re.search(r"^(\S+) (\S+) QM_IDLE", text, re.M).group(1)
    return "initiator" if dst == STRANGER else "responder"


def agrees(box, charon, want, ike, esp):
    """Both ends show one tunnel with the same SPIs; `want`: our role; ike, esp: strongSwan's words."""
    check(is_up(box), show(box, SA[box.name]))
    equal(role(box), want, show(box, SA[box.name]))
    theirs = charon.swanctl("--list-sas").stdout
    for words in (ike, f"TUNNEL-in-UDP, ESP:{esp}\n"):
        check(words in theirs, f"no {words}:\n{theirs}")
    spis = re.findall(r"^    in +(\w+),.*?^    out (\w+),", theirs, re.M | re.S)
    equal([(int(o, 16), int(i, 16)) for i, o in spis], esp_spis(box), "SPIs")
    equal(len(spis), 1, "children")


def cookies_of(charon):
    """Phase 1 at strongSwan: both cookies of each SA that is up."""
    return re.findall(r"ESTABLISHED, IKEv1, (\w+)_i\*? (\w+)_r", charon.swanctl("--list-sas").stdout)


@contextlib.contextmanager
def traffic(lab, name):
    """A hundred pings a second, fifty before and a hundred after; each must be answered."""
    with pings.Flow(lab.ns(HOST[name]), "10.20.0.1", 100, 0.01, size=1000) as flow:
        yield
    equal(flow.received, flow.sent, "answered while keys were replaced")
