"""One machine, several hosts: network namespaces joined by a bridge, with muster, nginx and load.

Used by the end-to-end tests and the demo. Everything carries the prefix of its Rig, and close() removes
all of it, also what an earlier run with the same prefix left behind.

Topology: every host has one veth, `eth0` inside, whose other end is a port of the bridge in the
namespace <prefix>fabric. Addresses are of 198.18.0.0/24 and 2001:db8::/64. What veths need and NICs
do not: an XDP program on the bridge's end (or XDP_TX loses frames) and transmit checksum offload off
on every sender.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MUSTER_BUILD", "build")
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, check=True, timeout=60, **kwargs):
    result = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            stdin=kwargs.pop("stdin", subprocess.DEVNULL), timeout=timeout, **kwargs)
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {result.returncode}: {result.stderr.strip()}")
    return result


def wait_for(condition, what, timeout=10.0, step=0.01):
    """The value of condition() once it is true; raises TimeoutError naming `what`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(step)


def clock_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Host:
    """A network namespace with one interface in the fabric."""

    def __init__(self, rig, name, number):
        self.rig, self.name, self.number = rig, name, number
        self.netns = f"{rig.prefix}{name}"
        self.v4 = f"198.18.0.{number}"
        self.v6 = f"2001:db8::{number:x}"
        self.iface = "eth0"

    def nsenter(self, *argv):
        return ["nsenter", f"--net=/run/netns/{self.netns}", *map(str, argv)]

    def run(self, *argv, **kwargs):
        return run(*self.nsenter(*argv), **kwargs)

    def popen(self, *argv, **kwargs):
        process = subprocess.Popen(self.nsenter(*argv), **kwargs)
        self.rig.processes.append(process)
        return process

    @contextlib.contextmanager
    def entered(self):
        """This thread inside the namespace: for sockets opened by Python itself."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self.netns}") as inside:
            if _libc.setns(inside.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                _libc.setns(before.fileno(), CLONE_NEWNET)

    @property
    def port(self):
        """The fabric's end of the link."""
        return f"to-{self.name}"

    def mac(self):
        return json.loads(self.run("ip", "-j", "link", "show", self.iface).stdout)[0]["address"]

    def add_address(self, address, iface="lo"):
        plen = 128 if ":" in address else 32
        self.run("ip", "addr", "add", f"{address}/{plen}", "dev", iface, *(["nodad"] if ":" in address else []))

    def sysctl(self, key, value):
        # The namespace's /proc/sys/net is that of the reading thread's netns.
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{key.replace('.', '/')}")

    def tcp_retransmits(self):
        lines = self.run("cat", "/proc/net/snmp").stdout.splitlines()
        keys, values = [line.split() for line in lines if line.startswith("Tcp:")]
        return int(dict(zip(keys, values))["RetransSegs"])


class Rig:
    def __init__(self, prefix, directory):
        self.prefix = prefix
        self.dir = pathlib.Path(directory)
        self.hosts, self.processes, self.closers = {}, [], []
        self.fabric = f"{prefix}fabric"
        self.closed = False
        self._remove_namespaces()
        self.dir.mkdir(parents=True, exist_ok=True)
        run("ip", "netns", "add", self.fabric)
        self._fabric("ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
        self._fabric("ip", "link", "set", "br0", "up")

    def _fabric(self, *argv, **kwargs):
        return run("nsenter", f"--net=/run/netns/{self.fabric}", *argv, **kwargs)

    def _remove_namespaces(self):
        for line in run("ip", "netns", "list").stdout.splitlines():
            name = line.split()[0]
            if name.startswith(self.prefix):
                run("ip", "netns", "del", name, check=False)

    def add_host(self, name, number):
        host = Host(self, name, number)
        run("ip", "netns", "add", host.netns)
        self.hosts[name] = host
        self.connect(host)
        return host

    def connect(self, host):
        """(Re)makes the link of a host."""
        self._fabric("ip", "link", "add", host.port, "type", "veth", "peer", "name", host.iface, "netns", host.netns)
        self._fabric("ip", "link", "set", host.port, "master", "br0", "up")
        self._fabric("ip", "link", "set", "dev", host.port, "xdp", "obj", BUILD / "tests/pass.bpf.o", "sec", "xdp")
        # A link-local address in its first second is tentative and asks no neighbours.
        host.sysctl(f"ipv6.conf.{host.iface}.accept_dad", 0)
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "link", "set", host.iface, "up")
        host.run("ethtool", "-K", host.iface, "tx", "off", check=False)
        host.run("ip", "addr", "add", f"{host.v4}/24", "dev", host.iface)
        host.run("ip", "addr", "add", f"{host.v6}/64", "dev", host.iface, "nodad")

    def set_port_mtu(self, mtu, host):
        """Of the fabric's end alone: what neither end of the way knows of."""
        self._fabric("ip", "link", "set", "dev", host.port, "mtu", mtu)

    def set_mtu(self, mtu, *hosts):
        """Of these hosts' links, both ends, and of what joins them."""
        for host in hosts:
            self._fabric("ip", "link", "set", "dev", host.port, "xdp", "off")
            self._fabric("ip", "link", "set", "dev", host.port, "mtu", mtu)
            host.run("ip", "link", "set", "dev", host.iface, "mtu", mtu)
            self._fabric("ip", "link", "set", "dev", host.port, "xdp", "obj", BUILD / "tests/pass.bpf.o", "sec",
                         "xdp.frags" if mtu > 3000 else "xdp")
        self._fabric("ip", "link", "set", "dev", "br0", "mtu", mtu)

    def close(self):
        if self.closed:
            return
        self.closed = True
        for closer in reversed(self.closers):
            with contextlib.suppress(Exception):
                closer()
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.kill()
                process.wait(10)
        self._remove_namespaces()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Nginx:
    """A whole nginx (master and workers) in a host; answers with the host's name."""

    def __init__(self, host, workers=2, port=80):
        self.host, self.workers, self.port = host, workers, port
        self.dir = host.rig.dir / f"nginx-{host.name}-{port}"
        self.dir.mkdir(exist_ok=True)
        self.status = 200
        self.master = None
        (self.dir / "body").write_text(host.name + " " + "x" * 4000000 + "\n")
        host.rig.closers.append(self.kill)
        self.start()

    def _config(self):
        return f"""
daemon off; master_process on; worker_processes {self.workers}; pid {self.dir}/pid; error_log {self.dir}/error.log;
events {{ worker_connections 768; }}
http {{
  access_log off; keepalive_timeout 3600s; keepalive_requests 1000000; default_type text/plain;
  client_body_temp_path {self.dir}/t1; proxy_temp_path {self.dir}/t2; fastcgi_temp_path {self.dir}/t3;
  uwsgi_temp_path {self.dir}/t4; scgi_temp_path {self.dir}/t5;
  server {{
    listen {self.port} backlog=4096; listen [::]:{self.port} backlog=4096;
    location / {{ return 200 "{self.host.name}\\n"; }}
    location /health {{ return {self.status} "{self.host.name} health\\n"; }}
    location /slow {{ alias {self.dir}/body; limit_rate 400k; }}
  }}
}}
"""

    def start(self):
        (self.dir / "nginx.conf").write_text(self._config())
        self.master = self.host.popen("nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
                                      stdout=subprocess.DEVNULL, stderr=open(self.dir / "stderr", "w"))
        wait_for(lambda: self.listening() and len(self.worker_pids()) == self.workers, f"nginx in {self.host.name} listens")

    def listening(self):
        return f":{self.port} " in self.host.run("ss", "-Hltn").stdout

    def set_health(self, status):
        self.status = status
        (self.dir / "nginx.conf").write_text(self._config())
        old = set(self.worker_pids())
        os.kill(self.master.pid, signal.SIGHUP)
        wait_for(lambda: len(set(self.worker_pids()) - old) == self.workers, "nginx reloaded")

    def worker_pids(self):
        children = pathlib.Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        try:
            return [int(pid) for pid in children.read_text().split()]
        except FileNotFoundError:
            return []

    def kill(self):
        """SIGKILL to every process; returns the monotonic time just before the last kill, ns.

        The last one is killed when the others are gone: what is measured is a death, not the queue of
        dying processes in front of it.
        """
        if not self.master:
            return None
        pids = [self.master.pid, *self.worker_pids()]
        for pid in pids[:-1]:
            _kill(pid)
        self.master.wait(10)
        for pid in pids[1:-1]:
            wait_for(lambda p=pid: _is_gone(p), "nginx worker is gone", step=0.001)
        at = clock_ns()
        _kill(pids[-1])
        wait_for(lambda: _is_gone(pids[-1]), "the last nginx process is gone")
        self.master = None
        return at


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Musterd:
    """musterd in a host, with directories of its own; its log is kept and searched."""

    def __init__(self, host, extra="", interfaces=("eth0",)):
        self.host = host
        self.dir = host.rig.dir / f"musterd-{host.name}"
        self.vips = self.dir / "vips.d"
        self.vips.mkdir(parents=True, exist_ok=True)
        self.pins = pathlib.Path(f"/run/{host.netns}-bpf")
        self.config = self.dir / "musterd.yaml"
        self.log_path = self.dir / "log"
        self.config.write_text(f"""interfaces: [{', '.join(interfaces)}]
vips_dir: {self.vips}
run_dir: {self.dir}/run
state_dir: {self.dir}/state
pin_dir: {self.pins}/muster
prober_user: "65534"
{extra}""")
        self.process, self._positions = None, 0
        self.pins.mkdir(exist_ok=True)
        self._unmount()
        run("mount", "-t", "bpf", "bpf", self.pins)
        self.log_path.write_text("")
        host.rig.closers.append(self.destroy)

    def _unmount(self):
        while run("umount", self.pins, check=False).returncode == 0:
            pass

    def manifest(self, name, text):
        (self.vips / f"{name}.yaml").write_text(text)

    def start(self, wait=True, **kwargs):
        self._log = open(self.log_path, "ab", buffering=0)
        mark = self.mark()
        self.process = self.host.popen(BUILD / "musterd", "-c", self.config, stderr=self._log, **kwargs)
        if wait:
            self.wait_event("ready", since=mark)
        return self

    def mark(self):
        return self.log_path.stat().st_size

    def events(self, name=None, since=0, **fields):
        """The log lines of one event as dictionaries, oldest first."""
        with open(self.log_path, "rb") as log:
            log.seek(since)
            text = log.read().decode(errors="replace")
        rows = []
        for line in text.splitlines():
            row = {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)}
            if name and row.get("event") != name:
                continue
            if all(row.get(key) == str(value) for key, value in fields.items()):
                rows.append(row)
        return rows

    def wait_event(self, name, since=0, timeout=15.0, **fields):
        def found():
            rows = self.events(name, since, **fields)
            if rows:
                return rows[0]
            if self.process.poll() is not None and not self.events(name, since, **fields):
                raise RuntimeError(f"musterd exited with {self.process.returncode}:\n{self.log_path.read_text()[-3000:]}")
            return None
        try:
            return wait_for(found, f"event {name} {fields}", timeout, step=0.002)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log_path.read_text()[-3000:]}") from None

    def cli(self, *argv, check=True, **kwargs):
        return self.host.run(BUILD / "muster", "--run-dir", self.dir / "run", *argv, check=check, **kwargs)

    def json(self, *argv):
        return json.loads(self.cli("-j", *argv).stdout)

    def reload(self, *argv):
        return self.cli("reload", *argv)

    def wait_usable(self, vip, n, timeout=15):
        def usable():
            rows = [row for row in self.json("vip", "list")["vips"] if row["name"] == vip]
            return rows and rows[0]["usable"] == n
        wait_for(usable, f"{n} usable backends in {vip}", timeout, step=0.02)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def terminate(self):
        self.process.terminate()
        return self.process.wait(10)

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.pins / "muster")
        self._unmount()
        with contextlib.suppress(OSError):
            self.pins.rmdir()


class Decap:
    """muster-decap on a backend."""

    def __init__(self, host, *addresses):
        self.process = host.popen(BUILD / "muster-decap", host.iface, *[a for x in addresses for a in ("address", x)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "decap" not in line:
            raise RuntimeError(f"muster-decap: {line} {self.process.stderr.read()}")

    def stop(self):
        """Detaches; what it says of itself."""
        self.process.terminate()
        return self.process.communicate(timeout=10)[0]


class Load:
    """Open-loop load from a host; rows of (start_ns, target, port, latency_us, outcome, backend)."""

    def __init__(self, host, rate, targets, first_port=20000, ports=500):
        self.rows = []
        self.process = host.popen(BUILD / "tests/loadgen", rate, first_port, ports, *targets,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            start, target, port, latency, outcome, backend = line.split()
            self.rows.append((int(start), int(target), int(port), int(latency), outcome, backend))

    def stop(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(15)
        self._thread.join(15)
        return self.rows


def backend_host(rig, name, number, vips):
    """A backend for l2dsr and ipip: the VIPs on lo, silent to ARP, and decapsulation."""
    host = rig.add_host(name, number)
    host.sysctl("ipv4.conf.all.arp_ignore", 1)
    host.sysctl("ipv4.conf.all.arp_announce", 2)
    host.sysctl("ipv4.conf.all.rp_filter", 0)
    for vip in vips:
        host.add_address(vip)
    return host
