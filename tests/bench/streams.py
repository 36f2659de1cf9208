#!/usr/bin/python3 -B
"""Pings over many tunnels at once, and what became of them, by the time at which they were sent.

    streams.py INTERVAL        lines "source destination" on standard input, then an empty one.
                               Each line from there on is the name of a time that begins (or goes on), and is
                               answered by how many answers each destination gave since the last
                               one; at the end a line tells of all times, in their order
"""
import json
import os
import select
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "lab")]

import pings  # noqa: E402

LATE = 2.0  # seconds after which a ping is lost


class Time:
    """What was lost of what was sent in it, and the longest time in seconds without an answer."""

    def __init__(self, name):
        self.name, self.sent, self.lost, self.gap = name, 0, 0, 0.0


class Stream:
    def __init__(self, source, to):
        self.name, self.echo = to, pings.Echo(to, 56, source=source)
        self.sent, self.waiting, self.answered = 0, {}, 0
        self.last = time.monotonic()  # answer

    def send(self, now, period):
        self.echo.send(self.sent)
        self.waiting[self.sent & 0xffff] = now, period
        self.sent += 1
        period.sent += 1
        self.give_up(now - LATE)

    def give_up(self, before):
        while self.waiting:
            seq, (at, period) = next(iter(self.waiting.items()))
            if at > before:
                return
            del self.waiting[seq]
            period.lost += 1

    def receive(self, now):
        for seq in self.echo.receive():
            sent = self.waiting.pop(seq, None)
            if sent:
                self.answered += 1
                sent[1].gap, self.last = max(sent[1].gap, now - self.last), now

    def news(self):
        n, self.answered = self.answered, 0
        return n


class Traffic:
    def __init__(self, streams, every, stdin):
        self.streams, self.every, self.stdin = streams, every, stdin
        self.times = [Time("")]
        self.poller, self.by = select.poll(), {}
        self.poller.register(0, select.POLLIN)
        for s in streams:
            self.by[s.echo.sock.fileno()] = s
            self.poller.register(s.echo.sock, select.POLLIN)

    def begin(self, name):
        if name != self.times[-1].name:
            self.times.append(Time(name))

    def wait(self, due):
        """False at the end of what is asked."""
        for fd, _ in self.poller.poll(max(0, due - time.monotonic()) * 1000):
            if fd:
                self.by[fd].receive(time.monotonic())
            elif line := self.stdin.readline():
                self.begin(line.decode().strip())
                print(json.dumps({s.name: s.news() for s in self.streams}), flush=True)
            else:
                return False
        return True

    def run(self):
        turn, due = 0, time.monotonic()
        while self.wait(due):
            now = time.monotonic()
            if now >= due:
                self.streams[turn % len(self.streams)].send(now, self.times[-1])
                turn, due = turn + 1, max(due + self.every, now)
        self.poller.unregister(0)
        end = time.monotonic() + LATE
        while time.monotonic() < end:
            self.wait(end)
        for s in self.streams:
            s.give_up(end)
        print(json.dumps([vars(t) for t in self.times]), flush=True)


def main():
    streams, stdin = [], open(0, "rb", buffering=0)  # poll() does not see what waits in a buffer
    for line in iter(stdin.readline, b"\n"):
        streams.append(Stream(*line.decode().split()))
    Traffic(streams, float(sys.argv[1]), stdin).run()


class Streams:
    """`with Streams(ns, flows, interval) as s:` - pings all the time. s.begin(name) begins a time of that
    name and says how often each destination has answered since the last one; at the end s.times is
    a list of what was sent, lost, and the longest gap in each of them."""

    def __init__(self, ns, flows, interval):
        self.flows, self.times = flows, []
        self.argv = ["ip", "netns", "exec", ns, sys.executable, "-B", __file__, str(interval)]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.process.stdin.write("".join(f"{a} {b}\n" for a, b in self.flows) + "\n")
        self.process.stdin.flush()
        return self

    def begin(self, name):
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *exc):
        self.times = json.loads(self.process.communicate(timeout=60)[0])


if __name__ == "__main__":
    main()
