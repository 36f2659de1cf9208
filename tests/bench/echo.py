"""How long something takes again and again while a box works, measured in a process of its own, so
that what else the measurement does delays nothing."""
import multiprocessing
import os
import socket
import time

from terminal import Terminal

FORK = multiprocessing.get_context("fork")


class Waits:
    """`with Waits(what) as w:` — runs what() again and again meanwhile. what is made there, by
    calling make(): it returns the function and another that ends it."""

    def __init__(self, make):
        self.waits = []
        self.ours, theirs = FORK.Pipe()
        self.process = FORK.Process(target=_run, args=(make, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.ours.recv()  # it has begun

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.ours.send(None)
        self.waits = self.ours.recv()
        self.process.join()

    def text(self):
        """Median and worst, in milliseconds."""
        w = sorted(self.waits)
        return f"{w[len(w) // 2] * 1000:.0f} ms, at worst {w[-1] * 1000:.0f} ms" if w else "nothing"


def urgent():
    """Who asks stands for somebody outside of the machine: what he himself waits for a processor is not
    what is measured. What he has started already, and what it starts, is as before."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(2))
    except PermissionError:
        pass  # some containers: all waits are longer


def _run(make, pipe):
    once, end = make()
    waits = []
    once()
    urgent()
    pipe.send(None)
    while not pipe.poll(0.01):
        begin = time.monotonic()
        once()
        waits.append(time.monotonic() - begin)
    end()
    pipe.send(waits)


def echo(box):
    """`show clock` on a terminal."""
    def make():
        t = Terminal(box)
        return lambda: t.type("show clock"), lambda: t.__exit__()
    return Waits(make)


def bystander():
    """Two processes that have nothing to do with any box: what the machine itself makes wait. As many
    ways from one to another as a command has between terminal, shell and engine."""
    def make():
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            while theirs.recv(1):
                theirs.send(b"x")
            os._exit(0)
        theirs.close()

        def once():
            for _ in range(2):
                ours.send(b"x")
                ours.recv(1)
        return once, ours.close
    return Waits(make)
