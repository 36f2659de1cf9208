"""A box's own ping, as a person types it: one that is lost takes its whole timeout."""
import os
import re
import threading

from harness import poll
from terminal import Terminal

ESCAPE = b"\x1e"  # Ctrl-^


class Ping:
    """`with Ping(box, "ping …") as p:` - the box's own ping, typed at its console, all the time that the
    block runs; then p.marks has what it printed, p.sent and p.received its last line."""

    def __init__(self, box, command):
        self.command = command
        self.term = Terminal(box)
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._read)

    def _read(self):
        while not self.done.is_set():
            self.term.read(0.2)

    def __enter__(self):
        self.term.type("terminal length 0")
        os.write(self.term.master, self.command.encode() + b"\n")
        self.thread.start()
        return self

    def marks_now(self):
        return "".join(re.findall(r"^[!.UNHM?&]+$", self.term.text, re.M))

    def answered(self, n):
        """Waits for so many answers more, one after the other."""
        at = len(self.marks_now())
        poll(lambda: "!" * n in self.marks_now()[at:], 90, f"answers to {self.command}")

    def __exit__(self, *exc):
        self.done.set()
        self.thread.join()
        try:
            if exc[0] is None:
                os.write(self.term.master, ESCAPE)
                text = self.term.expect(r"round-trip[^\n]*\n", 20)
                self.marks = "".join(re.findall(r"^[!.UNHM?&]+$", text, re.M))
                self.received, self.sent = map(int, re.search(
                    r"Success rate is \d+ percent \((\d+)/(\d+)\)", text).groups())
        finally:
            self.term.__exit__()

    @property
    def lost(self):
        return self.sent - self.received
