"""A strongSwan in a namespace of a lab: charon-systemd with private folders.

It lives in a mount namespace of its own, where /run, /etc/swanctl and strongswan.conf are the
test's, so that several can run on one machine and nothing is left on it. Packets go through
kernel-libipsec (user space); it forces UDP encapsulation by faking a NAT.
"""
import os
import signal
import subprocess
import time

PLUGINS = ("random nonce openssl gmp aes sha1 sha2 hmac kdf gcm pem pkcs1 pkcs8 pubkey x509 "
           "kernel-libipsec kernel-netlink socket-default vici updown")
CONF = """\
charon-systemd {{
  load = {plugins}
  retransmit_tries = 3
  {settings}
  journal {{
    default = -1
  }}
  filelog {{
    log {{
      path = {folder}/charon.log
      default = 1
      enc = 1
      flush_line = yes
    }}
  }}
}}
swanctl {{
  load = pem pkcs1 pkcs8 x509 pubkey openssl
}}
"""
# Runs in the new mount namespace: $1 is our folder, the rest is the program.
ENTER = """\
set -e
mount -n --bind "$1/run" /run
mount -n --bind "$1/etc-swanctl" /etc/swanctl
mount -n --bind "$1/strongswan.conf" /etc/strongswan.conf
shift
exec "$@"
"""


class Charon:
    """`with Charon(ns, folder, swanctl_conf) as peer:` — runs while the block does.

    settings: more lines for strongswan.conf."""

    def __init__(self, ns, folder, swanctl_conf, settings=""):
        self.ns, self.folder, self.proc = ns, os.path.abspath(folder), None
        for sub in ("run", "etc-swanctl"):
            os.makedirs(os.path.join(self.folder, sub))
        with open(os.path.join(self.folder, "strongswan.conf"), "w") as f:
            f.write(CONF.format(plugins=PLUGINS, folder=self.folder, settings=settings))
        with open(os.path.join(self.folder, "etc-swanctl", "swanctl.conf"), "w") as f:
            f.write(swanctl_conf)

    def _argv(self, *program):
        return ["ip", "netns", "exec", self.ns, "unshare", "-m", "sh", "-c", ENTER, "sh",
                self.folder, *program]

    def __enter__(self):
        self.proc = subprocess.Popen(self._argv("charon-systemd"), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     start_new_session=True)
        end = time.monotonic() + 150
        while self.swanctl("--stats").returncode:
            if self.proc.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"charon does not run\n{self.log()}")
            time.sleep(0.1)
        loaded = self.swanctl("--load-all")
        if loaded.returncode:
            self.stop()
            raise RuntimeError(f"swanctl: {loaded.stdout}{loaded.stderr}")
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(60)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def kill(self):
        """As a crash: no peer is told anything."""
        self.proc.kill()
        self.proc.wait()

    def swanctl(self, *args):
        return subprocess.run(self._argv("swanctl", *args), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600)

    def log(self):
        try:
            with open(os.path.join(self.folder, "charon.log"), errors="replace") as f:
                return f.read()
        except OSError:
            return ""
