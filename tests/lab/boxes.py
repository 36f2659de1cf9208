"""The boxes of a lab: a tandemd each, in its namespace, with its own folders.

A box lives in DIR/BOX: `state` (startup-config, host key), `run` (the CLI's socket), `ports`
(port name and netdev per line) and `log` (what tandemd writes).
"""
import os
import signal
import subprocess
import time

import network

ROLES = ("engine", "datapath", "access")


class BoxError(Exception):
    """A box that did not do what it was asked to."""


class Box:
    def __init__(self, lab_name, lab_dir, build, node, login):
        self.name, self.personality, self.build = node.name, node.personality, build
        self.ns = network.ns_name(lab_name, node.name)
        self.dir = os.path.join(lab_dir, node.name)
        self.socket = os.path.join(self.dir, "run", "tandem.sock")
        self.log = os.path.join(self.dir, "log")
        self.user, self.password = login

    def prepare(self, ports):
        """Folders and the ports file, before the first start."""
        for sub in ("state", "run"):
            os.makedirs(os.path.join(self.dir, sub))
        with open(os.path.join(self.dir, "ports"), "w") as f:
            f.writelines(f"{port} {dev}\n" for port, dev in ports)

    def start(self):
        if self.processes():
            raise BoxError(f"{self.name} is running")
        argv = ["ip", "netns", "exec", self.ns, os.path.join(self.build, "tandemd"),
                "--personality", self.personality, "--lab"]
        for option, sub in (("--state", "state"), ("--run", "run"), ("--ports", "ports")):
            argv += [option, os.path.join(self.dir, sub)]
        with open(self.log, "ab") as log:
            proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True)
        self.wait_ready(proc)

    def wait_ready(self, proc=None, seconds=200):
        """Until the CLI answers. A tandemd that ends is an error with its log."""
        end = time.monotonic() + seconds
        while True:
            if proc and proc.poll() is not None:
                raise BoxError(f"{self.name}: tandemd ended with {proc.returncode}\n{self.tail()}")
            if os.path.exists(self.socket) and self.shell(["show version"]).returncode == 0:
                return
            if time.monotonic() > end:
                raise BoxError(f"{self.name}: no answer in {seconds} s\n{self.tail()}")
            time.sleep(0.05)

    def tail(self, lines=15):
        try:
            with open(self.log, errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return ""

    def note(self, text):
        """A line of ours in the box's log."""
        with open(self.log, "a") as f:
            f.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def shell(self, commands, **kw):
        """Runs EXEC commands through the `tandem` shell. CompletedProcess with its output."""
        argv = [os.path.join(self.build, "tandem"), "-s", self.socket]
        for c in commands:
            argv += ["-c", c]
        kw.setdefault("capture_output", True)
        return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True, timeout=600, **kw)

    def paste(self, text):
        """Configuration text, line by line, in config mode. Returns what the box printed."""
        argv = [os.path.join(self.build, "tandem"), "-s", self.socket, "-c", "configure terminal",
                "-"]
        lines = text.rstrip("\n") + "\nend\n"
        return subprocess.run(argv, input=lines, text=True, capture_output=True, timeout=1200)

    def processes(self):
        """Our tandemd processes in the namespace: pid → role ('launcher' or one of ROLES)."""
        found = {}
        for pid in network.pids(self.ns):
            role = _role(pid)
            if role:
                found[pid] = role
        return found

    def kill(self, what="all", sig=signal.SIGKILL):
        """Kills one role, or the whole box as a power cut would. Returns how many died."""
        victims = [p for p, role in self.processes().items() if what in ("all", role)]
        for pid in victims:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        while any(_alive(p) for p in victims):
            time.sleep(0.01)
        return len(victims)

    def stop(self):
        """Ends the box in good order: SIGTERM to its launcher. Returns how many processes ended."""
        before = self.processes()
        for pid in (p for p, role in before.items() if role == "launcher"):
            os.kill(pid, signal.SIGTERM)
        while any(_alive(p) for p in before):
            time.sleep(0.01)
        return len(before)

    def ssh_argv(self, port, command):
        """argv and environment of an ssh login as the lab's user, without questions."""
        env = dict(os.environ, SSH_ASKPASS=os.path.join(os.path.dirname(__file__), "askpass"),
                   SSH_ASKPASS_REQUIRE="force", TANDEM_LAB_PASSWORD=self.password)
        return ["ssh", "-p", str(port), *SSH_OPTIONS, f"{self.user}@127.0.0.1", *command], env


SSH_OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
               "-o", "LogLevel=ERROR", "-o", "PubkeyAuthentication=no",
               "-o", "NumberOfPasswordPrompts=1"]


def _alive(pid):
    """False once a process has closed all it had open: it is gone, or waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _role(pid):
    """The role of a live tandemd process, by its command line; None for anything else."""
    try:
        if not os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)").endswith("/tandemd"):
            return None
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read().decode(errors="replace").replace("\0", " ")
    except OSError:
        return None
    if not _alive(pid):
        return None
    for role in ROLES:
        if f"--role {role}" in words or words.startswith(f"tandemd: {role}"):
            return role
    return "launcher"
