"""What the tests of IKEv1 against strongSwan share: its configuration, ours, looks at both ends."""
import contextlib
import os
import re
import tempfile

import network
import pings
from charon import Charon
from harness import check, equal, lab_up, ping, poll, show, squeeze
from swan import CHILD, configure

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
