"""What the key agreement alone allows on this machine, now: both ends of a set-up compute one."""
import os
import subprocess

PROGRAM = os.path.join(os.environ.get("B", "build"), "bench", "key_agreement")


def set_ups(group, seconds=1):
    """Set-ups per second, both ends on this machine, if they were nothing else, and the CPU of one."""
    run = [subprocess.Popen([PROGRAM, group, str(seconds)], stdout=subprocess.PIPE, text=True)
           for _ in range(os.cpu_count())]
    said = [[float(x) for x in p.communicate()[0].split()] for p in run]
    return sum(rate for rate, _ in said) / 2, 2 * min(cpu for _, cpu in said)
