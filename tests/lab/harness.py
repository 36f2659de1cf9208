"""A small test harness for labs: TAP output, polling instead of sleeping, and labs that go.

A test file has functions marked @test that run in order, each with the value that the
fixture yields, and ends with run(fixture).
"""
import contextlib
import os
import re
import subprocess
import sys
import time
import traceback

import labs
import pings

# Limits are written for an idle machine and multiplied by this: they end what never comes, and do
# not measure. What is tested on being absent is not waited for with it.
PATIENCE = 10
BUILD = os.path.join(labs.TOP, os.environ.get("B") or "build")
LAB = os.path.join(labs.TOP, "tests", "lab", "lab")
_tests = []


def test(fn):
    _tests.append(fn)
    return fn


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}\n--- got\n{got}\n--- want\n{want}")


def poll(fn, seconds, what):
    """Calls fn until it returns something true, which is returned. `seconds` is what an idle machine
    may need; a slow one has PATIENCE times as long."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end  # before the last try, which may have been long in coming
        value = fn()
        if value:
            return value
        if late:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def lab_tool(*args, **kw):
    """Runs tests/lab/lab as a person would."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("capture_output", True)
    kw.setdefault("timeout", 120 * PATIENCE)
    return subprocess.run([LAB, "--build", BUILD, *args], text=True, **kw)


@contextlib.contextmanager
def lab_up(sample, name, configure=True, paths=True):
    """A lab for the length of a block; its boxes' logs are shown when the block fails. Its name has
    our number behind it: the same test may run twice on a machine, or have been killed there.
    paths: what the boxes' probes ask is there, and the block begins when they have found it."""
    lab = labs.up(sample, BUILD, f"{name}-{os.getpid()}", configure=configure)
    try:
        for box in lab.boxes.values() if configure and paths else ():
            poll(lambda b=box: " is Down" not in show(b, "show track"), 60,
                 f"{box.name}'s probes have found that the paths are there")
        yield lab
    except BaseException:
        show_logs(lab)
        raise
    finally:
        lab.down()


def show_logs(lab):
    for box in lab.boxes.values():
        print(f"# --- log of {box.name}")
        print("".join(f"# {l}\n" for l in box.tail(40).splitlines()), end="")


def ping(lab, host, address, count=3, wait=6 * PATIENCE, interval=0.2, size=56, **kw):
    """How many of `count` pings were answered, at most `wait` seconds after the last was sent. Where
    no answer is expected `wait` is short. kw: see pings.Echo."""
    return pings.in_namespace(lab.ns(host), address, count, interval, size, wait, **kw)


def show(box, *commands):
    """Output of EXEC commands that must be accepted."""
    r = box.shell(list(commands))
    check(r.returncode == 0, f"{box.name}: {commands} refused: {r.stdout}{r.stderr}")
    return r.stdout


def squeeze(text):
    """Lines without empty ones and with single blanks: the layout is the transcripts' matter."""
    return "\n".join(" ".join(l.split()) for l in text.splitlines() if l.strip())


def as_seed(got, seed):
    """Compares a show with the seed's text; returns the values that stand in the braces."""
    value = r"(0x[0-9a-fA-F]+|\d+)"
    pattern = re.sub(r"\\\{[0-9a-fA-Fx]+\\\}", lambda m: value, re.escape(seed))
    m = re.fullmatch(pattern, squeeze(got))
    if not m:
        equal(squeeze(got), seed, "not as the seed shows it (values in braces may differ)")
    return m.groups()


def run(fixture):
    """Runs the file's tests inside the fixture. Exit status 1 when one failed."""
    labs.on_signals_exit()
    failed, number = 0, 0
    try:
        with fixture as value:
            for number, fn in enumerate(_tests, 1):
                failed += not _one(number, fn, value)
            if failed and isinstance(value, labs.Lab):
                show_logs(value)
    except Exception:
        failed += 1
        print(f"not ok {number + 1} - the fixture of {os.path.basename(sys.argv[0])}")
        _comment(traceback.format_exc())
    print(f"1..{max(number, 1)}", flush=True)
    sys.exit(1 if failed else 0)


def _one(number, fn, value):
    begin = time.monotonic()
    try:
        fn(value)
    except Exception:
        print(f"not ok {number} - {fn.__name__}")
        _comment(traceback.format_exc())
        return False
    print(f"ok {number} - {fn.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    return True


def _comment(text):
    print("".join(f"# {l}\n" for l in text.splitlines()), end="", flush=True)
