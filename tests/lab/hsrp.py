"""What tests of HSRP ask of boxes, and what tshark finds of it on a link."""
import os
import re
import subprocess
import tempfile

from harness import check, equal, poll, show

SETTLED = 40  # seconds in which roles are found, whatever happened


def state(box, group=10):
    """Of this group, as `show standby brief` has it."""
    out = show(box, "show standby brief")
    m = re.search(rf"^\S+ +{group} +\d+ +(?:P +)?(\w+)", out, re.M)
    return m.group(1) if m else None


def settled(boxes, want=("Active", "Standby"), group=10):
    """Waits until each box has the state wanted of it."""
    poll(lambda: tuple(state(b, group) for b in boxes) == want, SETTLED,
         f"{' and '.join(b.name for b in boxes)} to be {want} in group {group}")


def paste(box, text):
    r = box.paste(text)
    check("% " not in r.stdout.replace("% Warning", ""), f"{box.name} refuses: {r.stdout}")
    return r.stdout


def in_order(text, lines):
    """Looks for these lines in the text, each behind what goes before it."""
    at = 0
    for line in lines.splitlines():
        found = text.find(line, at)
        check(found >= 0, f"no {line!r} behind what goes before it in\n{text}")
        at = found + len(line)


class News:
    """The messages of boxes since it was made, or since clear()."""

    def __init__(self, *boxes):
        self.boxes, self.seen = boxes, {}
        self.clear()

    def clear(self):
        self.seen = {b.name: len(self._all(b)) for b in self.boxes}

    @staticmethod
    def _all(box):
        return show(box, "show logging").split("Log Buffer")[1]

    def of(self, box):
        return self._all(box)[self.seen[box.name]:]

    def changes(self, box, group=10):
        """The transitions of the group, oldest first."""
        return re.findall(rf"%HSRP-5-STATECHANGE: \S+ Grp {group} state (.*)", self.of(box))


def decoded(path, *fields):
    """What tshark finds of HSRP in a capture: one list of values for each packet."""
    argv = ["tshark", "-n", "-r", path, "-Y", "hsrp", "-T", "fields"]
    for f in fields:
        argv += ["-e", f]
    r = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(r.returncode == 0, r.stderr)
    return [line.split("\t") for line in r.stdout.splitlines()]


def captured(lab, until, *fields, link="outside"):
    """Packets on a link until `until` returns something true; none that tshark objects to."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "wire.pcap")
        with lab.capture(link, path):
            poll(until, SETTLED, "what is captured")
        bad = subprocess.run(["tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE", "-o",
                              "udp.check_checksum:TRUE", "-Y",
                              "hsrp && (_ws.malformed || _ws.expert.severity == error)"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL)
        equal(bad.stdout, "", "packets that tshark objects to")
        return decoded(path, *fields)


def times(n):
    """A condition for captured(): the n-th time that it is asked (every 50 ms)."""
    left = iter(range(n))
    return lambda: next(left, None) is None
