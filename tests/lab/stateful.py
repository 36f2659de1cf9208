"""Two boxes of the sample stateful-pair: who is active, and how the active role moves."""
import re
import time

from labs import LabError

BOXES = ("A", "B")
RF = re.compile(r"my state = +(\d+) .*?peer state = +(\d+) ", re.S)
ACTIVE, HOT = 13, 8  # by the platform's numbers


def rf(box):
    """(my state, peer state) by number; None while the box does not answer."""
    m = RF.search(box.shell(["show redundancy states"]).stdout)
    return (int(m.group(1)), int(m.group(2))) if m else None


def holds(box, group=1):
    """True where the group's virtual address is."""
    return re.search(rf"^\S+ +{group} +\d+ +(?:P +)?Active ", box.shell(["show standby brief"]).stdout,
                     re.M) is not None


def hot(lab):
    """(active, standby) boxes once the standby has everything and both groups are where they belong;
    else None."""
    for one, other in (BOXES, BOXES[::-1]):
        a, b = lab.box(one), lab.box(other)
        if rf(a) == (ACTIVE, HOT) and holds(a, 1) and holds(a, 2):
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
