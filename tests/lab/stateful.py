"""Two boxes that share SAs: who is active, how the active role moves, and what a peer sees of it. BOXES are
those of the samples stateful-pair and tunnel-protection-stateful."""
import contextlib
import os
import re
import subprocess
import tempfile
import time

from harness import check, equal, poll
from labs import LabError

BOXES = ("A", "B")
RF = re.compile(r"my state = +(\d+) .*?peer state = +(\d+) ", re.S)
ACTIVE, HOT = 13, 8  # by the platform's numbers


def link(me, other):
    """What binds two boxes by addresses 10.9.0.me and 10.9.0.other; the group OUTSIDE decides."""
    return f"""redundancy inter-device
 scheme standby OUTSIDE
ipc zone default
 association 1
  no shutdown
  protocol sctp
   local-port 5000
    local-ip 10.9.0.{me}
   remote-port 5000
    remote-ip 10.9.0.{other}
"""


def rf(box):
    """(my state, peer state) by number; None while the box does not answer."""
    m = RF.search(box.shell(["show redundancy states"]).stdout)
    return (int(m.group(1)), int(m.group(2))) if m else None


def wait_roles(active, standby):
    poll(lambda: rf(active) == (ACTIVE, HOT) and rf(standby) == (HOT, ACTIVE), 120,
         f"{active.name} to be active and {standby.name} to be its hot standby")


def _tshark(path, *args):
    r = subprocess.run(["tshark", "-n", "-r", path, *args], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL)
    equal(r.returncode, 0, r.stderr)
    return r.stdout


@contextlib.contextmanager
def without_ike(lab, link="outside"):
    """While the block runs no IKE message passes the link, and no number of an SA twice."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wire.pcap")
        with lab.capture(link, path):
            yield
        equal(_tshark(path, "-Y", "isakmp"), "", "IKE messages")
        seen = _tshark(path, "-Y", "esp", "-T", "fields", "-e", "esp.spi", "-e",
                       "esp.sequence").splitlines()
        check(len(seen) > 100, "there was no traffic")
        equal(len(set(seen)), len(seen), "sequence numbers that came once")


def groups(box):
    """State of each standby group by its number."""
    found = re.findall(r"^\S+ +(\d+) +\d+ +(?:P +)?(\w+)", box.shell(["show standby brief"]).stdout, re.M)
    return {int(n): state for n, state in found}


def holds(box):
    """True where both virtual addresses are."""
    return groups(box) == {1: "Active", 2: "Active"}


def hot(lab):
    """(active, standby) boxes once the standby has everything, in both groups of HSRP, too; else None."""
    for one, other in (BOXES, BOXES[::-1]):
        a, b = lab.box(one), lab.box(other)
        if rf(a) == (ACTIVE, HOT) and holds(a) and groups(b) == {1: "Standby", 2: "Standby"}:
            return a, b
    return None


def wait_hot(lab, seconds=600, other_than=None):
    """Waits for that, with another active box than `other_than`."""
    end = time.monotonic() + seconds
    while True:
        pair = hot(lab)
        if pair and pair[0] is not other_than:
            return pair
        if time.monotonic() > end:
            raise LabError("no standby is hot: "
                           + ", ".join(f"{n} {rf(lab.box(n))}" for n in BOXES))
        time.sleep(0.1)
