"""A person's terminal on a box: what is typed, and what the box writes by itself."""
import os
import pty
import re
import select
import subprocess
import time

from harness import PATIENCE


class Terminal:
    def __init__(self, box):
        self.master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen([os.path.join(box.build, "tandem"), "-s", box.socket],
                                        stdin=slave, stdout=slave, stderr=slave,
                                        env=dict(os.environ, TERM="dumb"), start_new_session=True)
        os.close(slave)
        self.expect(r"[>#] ?$", 10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read(self, seconds):
        """Takes what comes within a moment; False: nothing did."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            got = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += got.decode(errors="replace").replace("\r", "")
        return True

    def expect(self, pattern, seconds):
        """Reads until the text since the last expect() has the pattern; returns that text."""
        end = time.monotonic() + seconds * PATIENCE
        while not re.search(pattern, self.text):
            if time.monotonic() > end:
                raise AssertionError(f"no {pattern!r} on the terminal:\n{self.text}")
            self.read(0.2)
        text, self.text = self.text, ""
        return text

    def type(self, line):
        """Types a command and waits for the next prompt; returns what came."""
        os.write(self.master, line.encode() + b"\n")
        return self.expect(r"\n[^\n]*[>#] ?$", 10)
