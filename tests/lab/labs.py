"""A lab: a folder of sample-configs/ turned into namespaces, and what can be done to it.

Everything about a running lab stands in /run/tandem-lab/NAME, so that any later command
finds it; `down` needs nothing else. up() either leaves a whole lab or nothing.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import network
import topology
from boxes import Box, BoxError
from capture import Capture

RUN = "/run/tandem-lab"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLES = os.path.join(TOP, "sample-configs")
FIRST_PORT = 22001


class LabError(Exception):
    """What went wrong, for a person."""


def running():
    """Names of the labs that are up, oldest first."""
    if not os.path.isdir(RUN):
        return []
    names = [n for n in os.listdir(RUN) if os.path.exists(os.path.join(RUN, n, "lab.json"))]
    return sorted(names, key=lambda n: os.stat(os.path.join(RUN, n, "lab.json")).st_mtime)


class Lab:
    def __init__(self, name):
        self.name, self.dir = name, os.path.join(RUN, name)
        try:
            with open(os.path.join(self.dir, "lab.json")) as f:
                self.info = json.load(f)
        except FileNotFoundError:
            raise LabError(f"no lab {name} is up (running: {' '.join(running()) or 'none'})")
        self._load()

    def _load(self):
        with open(os.path.join(self.dir, "topology")) as f:
            self.topo = topology.parse(f.read())
        self.boxes = {n.name: Box(self.name, self.dir, self.info["build"], n, self.topo.login)
                      for n in self.topo.boxes()}

    def ns(self, node):
        if node not in self.topo.nodes:
            raise LabError(f"lab {self.name} has no node {node}")
        return network.ns_name(self.name, node)

    def box(self, name):
        if name not in self.boxes:
            raise LabError(f"lab {self.name} has no box {name} (it has {' '.join(self.boxes)})")
        return self.boxes[name]

    def ssh_port(self, box):
        return self.info["ssh"].get(box, 0)  # 0: it is still coming up

    def host(self, node, argv, **kw):
        return network.run(self.ns(node), argv, **kw)

    def link(self, name):
        if name not in self.topo.links:
            raise LabError(f"lab {self.name} has no link {name} "
                           f"(it has {' '.join(self.topo.links)})")
        return name

    def cut(self, link, node=None):
        network.set_link(self.name, self.topo, self.link(link), False, node)

    def heal(self, link, node=None):
        network.set_link(self.name, self.topo, self.link(link), True, node)

    def isolate(self, link, node):
        network.set_switch(self.name, self.topo, self.link(link), False, node)

    def rejoin(self, link, node):
        network.set_switch(self.name, self.topo, self.link(link), True, node)

    def capture(self, link, path):
        index = list(self.topo.links).index(self.link(link))
        return Capture(network.ns_name(self.name), network.bridge(index), path)

    def down(self):
        teardown(self.name, list(self.topo.nodes))


def teardown(name, nodes):
    """Removes every trace of a lab."""
    network.destroy(name, nodes)
    shutil.rmtree(os.path.join(RUN, name), ignore_errors=True)
    try:
        os.rmdir(RUN)
    except OSError:
        pass  # another lab is up


def up(sample, build, name=None, say=lambda text: None, configure=True):
    """Brings a lab up: namespaces, boxes, their pasted configurations. Returns the Lab."""
    source = sample if os.path.isdir(sample) else os.path.join(SAMPLES, sample)
    source = os.path.abspath(source)
    name = name or os.path.basename(source)
    if not topology.NAME.match(name):
        raise LabError(f"bad name for a lab: {name}")
    if not os.path.exists(os.path.join(source, "topology")):
        raise LabError(f"no lab {sample}: {source}/topology is not there")
    if os.path.exists(os.path.join(RUN, name)):
        raise LabError(f"lab {name} is up; `down {name}` removes it")
    for program in ("tandemd", "tandem"):
        if not os.access(os.path.join(build, program), os.X_OK):
            raise LabError(f"no {program} in {build}: run make first")
    with open(os.path.join(source, "topology")) as f:
        topo = topology.parse(f.read(), os.path.join(source, "topology"))
    stale = [n for n in [network.ns_name(name)] + [network.ns_name(name, x) for x in topo.nodes]
             if n in network.namespaces()]
    if stale:
        raise LabError(f"namespaces of that name are there already: {' '.join(stale)}")
    try:
        return _build(source, os.path.abspath(build), name, topo, say, configure)
    except BaseException:
        teardown(name, list(topo.nodes))
        raise


def _build(source, build, name, topo, say, configure):
    lab_dir = os.path.join(RUN, name)
    os.makedirs(lab_dir)
    shutil.copy(os.path.join(source, "topology"), lab_dir)
    info = {"source": source, "build": build, "ssh": {}, "started": time.time()}
    _save(lab_dir, info)  # from here on `down` can clean up after us
    say(f"lab {name}: {len(topo.nodes)} nodes, {len(topo.links)} links")
    ports = network.create(name, topo)
    for node in topo.boxes():
        box = Box(name, lab_dir, build, node, topo.login)
        box.prepare(ports[node.name])
        info["ssh"][node.name] = _forwarder(box, lab_dir)
    _save(lab_dir, info)
    lab = Lab(name)
    for box in lab.boxes.values():
        say(f"starting {box.name}")
        box.start()
    for box in lab.boxes.values() if configure else ():
        _configure(box, source, say)
    return lab


def _save(lab_dir, info):
    """Writes lab.json whole or not at all: others may be reading it."""
    path = os.path.join(lab_dir, "lab.json")
    with open(path + ".new", "w") as f:
        json.dump(info, f, indent=1)
    os.rename(path + ".new", path)


def _configure(box, source, say):
    """Pastes BOX.day0 (what makes a box reachable) and BOX.cfg (the lab's configuration)."""
    for suffix in ("day0", "cfg"):
        path = os.path.join(source, f"{box.name}.{suffix}")
        if not os.path.exists(path):
            continue
        say(f"pasting {os.path.basename(path)}")
        with open(path) as f:
            r = box.paste(f.read())
        if r.returncode:
            raise BoxError(f"{box.name} refused lines of {path}:\n{r.stdout}{r.stderr}")


def _forwarder(box, lab_dir):
    """A loopback port of this machine that leads to the box's SSH. Returns the port."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "forward.py")
    for port in range(FIRST_PORT, FIRST_PORT + 500):
        if not _free(port):
            continue
        with open(os.path.join(lab_dir, f"forward-{box.name}.log"), "wb") as log:
            proc = subprocess.Popen([sys.executable, "-B", script, str(port), box.ns, "22"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                    start_new_session=True)
        try:
            ready = proc.stdout.readline() == b"ready\n"
        except BaseException:  # it may not be in its namespace yet, where teardown() would find it
            proc.kill()
            proc.wait()
            raise
        if ready:
            proc.stdout.close()
            return port
        proc.wait()  # somebody took the port in between: the next one
    raise LabError("no free port for a box's SSH")


def _free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def find(word, kind):
    """LAB/NAME or NAME → (Lab, NAME). kind: 'box', 'node' or 'link'."""
    lab_name, _, name = word.rpartition("/")
    labs = [Lab(n) for n in ([lab_name] if lab_name else running())]
    if not labs:
        raise LabError("no lab is up")

    def has(lab):
        return name in {"box": lab.boxes, "node": lab.topo.nodes, "link": lab.topo.links}[kind]

    hits = [lab for lab in labs if has(lab)]
    if not hits:
        raise LabError(f"no {kind} {name} in {', '.join(l.name for l in labs)}")
    if len(hits) > 1:
        raise LabError(f"{name} is in several labs; say one of "
                       + ", ".join(f"{l.name}/{name}" for l in hits))
    return hits[0], name


def wait_ping(lab, seconds=300):
    """Until each `ping` line of the topology works. Returns the last host that did not, or None."""
    end = time.monotonic() + seconds
    for host, address in lab.topo.pings:
        while lab.host(host, ["ping", "-n", "-c1", "-W1", address],
                       capture_output=True).returncode:
            if time.monotonic() > end:
                return f"{host} → {address}"
    return None


def outdated(lab, build):
    """True when the programs or the configuration files changed since the lab came up."""
    files = [os.path.join(build, p) for p in ("tandemd", "tandem")]
    files += [os.path.join(lab.info["source"], f) for f in os.listdir(lab.info["source"])]
    return (lab.info["build"] != os.path.abspath(build)
            or any(os.stat(f).st_mtime > lab.info["started"] for f in files))


def on_signals_exit():
    """SIGTERM and SIGHUP end the program like Ctrl-C, so that a half-built lab is removed."""
    def leave(number, frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
