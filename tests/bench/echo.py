"""How long a person waits for a command's answer while a box works."""
import threading
import time

from terminal import Terminal


class Echo:
    """`with Echo(box) as e:` — types `show clock` on a terminal again and again meanwhile."""

    def __init__(self, box):
        self.terminal, self.stop, self.waits = Terminal(box), threading.Event(), []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stop.wait(0.01):
            begin = time.monotonic()
            self.terminal.type("show clock")
            self.waits.append(time.monotonic() - begin)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()
        self.terminal.__exit__(*exc)

    def text(self):
        """Median and worst, in milliseconds."""
        w = sorted(self.waits)
        return f"{w[len(w) // 2] * 1000:.0f} ms, at worst {w[-1] * 1000:.0f} ms" if w else "nothing"
