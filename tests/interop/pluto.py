"""A libreswan in a namespace of a lab: pluto with private folders.

Debian's package does not stand beside strongSwan's, so `make deps-test` unpacks it into UNPACKED
instead. pluto looks for its helpers in /usr/libexec/ipsec only: it lives in a mount namespace of
its own, where that folder and /run are the test's, and nothing is left on the machine.

Many a kernel has no ESP and would refuse pluto's SAs. xfrm_sa.c is preloaded and takes them instead,
so that pluto negotiates on; their keys can be compared with ours, and esp_peer.py answers pings with
them.
"""
import os
import signal
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.path.join(TOP, os.environ.get("B") or "build")
TAKER = os.path.join(B, "interop", "xfrm_sa.so")
UNPACKED = "/usr/local/lib/tandem-test/libreswan"
LIBEXEC = "/usr/libexec/ipsec"
CONF = """\
config setup
    uniqueids=yes
    ikev1-policy=accept
conn box
    ikev2={version}
    authby=secret
    left=198.51.100.20
    leftid=198.51.100.20
    right={right}
    rightid={right}
    {ends}
    leftupdown=%disabled
    ike={ike}
    phase2={protocol}
    phase2alg={esp}
    {more}
    auto=add
"""
SECRETS = '198.51.100.20 {right} : PSK "{secret}"\n'
# Runs in the new mount namespace: $1 is our folder, $2 the package's, the rest is the program.
ENTER = """\
set -e
mount -n --bind "$1/run" /run
mount -n --bind "$2/usr/libexec" /usr/libexec
shift 2
exec env ${TAKER:+LD_PRELOAD="$TAKER"} "$@"
"""


class Pluto:
    """`with Pluto(ns, folder, ike, esp) as peer:` — runs while the block does.

    ike, esp: proposals in libreswan's words; more: further lines for the connection; options:
    of pluto; refuse: its SAs are refused, as by a kernel without ESP; data: pings to what is
    behind it are answered; version: what ikev2= says; right, behind: our box and its network, None
    in transport mode; protocol: esp or ah."""

    def __init__(self, ns, folder, ike, esp, secret="Shared-Secret", more="", options=(),
                 refuse=False, data=False, version="yes", right="198.51.100.10",
                 behind="10.10.0.0/24", protocol="esp"):
        self.ns, self.folder, self.options = ns, os.path.abspath(folder), options
        self.proc, self.data = None, None
        self.with_data, self.right, self.behind = data, right, behind
        subprocess.run(["make", "-s", f"B={B}", TAKER], cwd=TOP, check=True,
                       stdin=subprocess.DEVNULL)
        self.env = dict(os.environ, TAKER=TAKER, XFRM_SA_LOG=self._path("sa.log"))
        ends = f"leftsubnet=10.20.0.0/24\n    rightsubnet={behind}\n    type=tunnel"
        if not behind:
            self.env["XFRM_POLICY_TAKEN"] = "1"
            ends = "type=transport"
        if refuse:
            self.env["XFRM_SA_REFUSE"] = "1"
        for sub in ("run", "run/pluto", "nss"):
            os.makedirs(self._path(sub))
        subprocess.run(["certutil", "-N", "-d", "sql:" + self._path("nss"), "--empty-password"],
                       check=True, capture_output=True)
        self._write("ipsec.conf", CONF.format(ike=ike, esp=esp, more=more, version=version,
                                              right=right, ends=ends, protocol=protocol))
        self._write("ipsec.secrets", SECRETS.format(secret=secret, right=right))

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(os.open(self._path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text)

    def _argv(self, program, *args):
        return ["ip", "netns", "exec", self.ns, "unshare", "-m", "sh", "-c", ENTER, "sh",
                self.folder, UNPACKED, f"{LIBEXEC}/{program}", *args]

    def _run(self, program, *args, timeout=600):
        return subprocess.run(self._argv(program, *args), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)

    def __enter__(self):
        if not os.access(f"{UNPACKED}{LIBEXEC}/pluto", os.X_OK):
            raise RuntimeError(f"no libreswan in {UNPACKED}: make deps-test unpacks it")
        argv = self._argv("pluto", "--nofork", "--config", self._path("ipsec.conf"),
                          "--secretsfile", self._path("ipsec.secrets"), "--nssdir",
                          self._path("nss"), "--rundir", "/run/pluto", "--no-dnssec",
                          "--logfile", self._path("pluto.log"), *self.options)
        with open(self._path("stderr"), "w") as err:
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                                         env=self.env, start_new_session=True)
        try:
            if self.with_data:
                self._start_data()
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_data(self):
        argv = ["ip", "netns", "exec", self.ns, "/usr/bin/python3", "-B",
                os.path.join(TOP, "tests", "interop", "esp_peer.py"), self._path("sa.log"),
                "198.51.100.20", self.right]
        with open(self._path("data.log"), "w") as err:
            self.data = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=err, text=True, start_new_session=True)
        if self.data.stdout.readline() != "ready\n":
            raise RuntimeError(f"esp_peer.py does not run\n{self.data_log()}")

    def _wait(self):
        """Until it listens, and has read its configuration (it does so by itself)."""
        end = time.monotonic() + 300
        while (self.behind or self.right) not in self.whack("--status").stdout:
            if self.proc.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"pluto does not run\n{self.log()}")
            time.sleep(0.1)

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        if self.data:
            self.data.kill()
            self.data.communicate()
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(60)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def whack(self, *args, timeout=600):
        return self._run("whack", "--rundir", "/run/pluto", *args, timeout=timeout)

    def sas(self):
        """The SAs that pluto has installed: SPI → keys in hex, encryption's first."""
        there = {}
        for line in self._read("sa.log").splitlines():
            what, spi, *words = line.split()
            there[int(spi, 16)] = words[5::3] if what == "add" else None
        return {spi: keys for spi, keys in there.items() if keys is not None}

    def _read(self, name):
        try:
            with open(self._path(name), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log(self):
        return self._read("stderr") + self._read("pluto.log")

    def data_log(self):
        """Nothing, unless esp_peer.py met what it does not know."""
        return self._read("data.log")
