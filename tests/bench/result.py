"""What a measurement says, and how it is taken from /proc."""
import os
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    rate: float   # set-ups per second
    cpu: dict     # role → seconds per set-up
    memory: dict  # role → bytes per tunnel
    note: str = ""


def cpu(pids):
    """Seconds of user and system time of these processes so far."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def pss(pids):
    """Bytes of memory of these processes, what they share counted once."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += sum(int(l.split()[1]) for l in f if l.startswith("Pss:"))
    return total * 1024
