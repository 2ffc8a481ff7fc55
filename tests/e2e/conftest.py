import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from rig import Decap, Musterd, Nginx, Rig, backend_host  # noqa: E402
from streams import FIRST, STREAMS, Farm  # noqa: E402

VIP4, VIP6 = "198.18.0.100", "2001:db8::64"
VIPS = (VIP4, VIP6, "198.18.0.101", "2001:db8::65")


@pytest.fixture(scope="session", autouse=True)
def root():
    if os.geteuid():
        pytest.skip("needs root for network namespaces")


@pytest.fixture(scope="module")
def rig(request):
    directory = tempfile.mkdtemp(prefix="muster-e2e-")
    os.chmod(directory, 0o755)
    name = request.module.__name__.replace("test_", "")[:8]
    # Another prefix for a second run on the same machine at the same time.
    with Rig(f"{os.environ.get('MUSTER_RIG', 'mst')}-{name}-", directory) as rig:
        yield rig
    shutil.rmtree(directory, ignore_errors=True)


class Net:
    """A client, the balancer's host and three nginx backends that own the VIPs."""

    def __init__(self, rig, n=3):
        self.rig = rig
        self.client = rig.add_host("client", 200)
        self.lb = rig.add_host("lb", 1)
        self.hosts, self.nginx, self.decaps = {}, {}, {}
        for number in range(1, n + 1):
            host = backend_host(rig, f"b{number}", 10 + number, VIPS)
            self.hosts[host.name] = host
            self.decaps[host.name] = Decap(host, *VIPS)
            self.nginx[host.name] = Nginx(host)

    def restore(self):
        """Every nginx runs and is healthy."""
        for nginx in self.nginx.values():
            if nginx.master is None or nginx.master.poll() is not None:
                nginx.kill()
                nginx.start()
            if nginx.status != 200:
                nginx.set_health(200)

    def backends(self, family=4, **extra):
        """YAML of the backends, indented by two."""
        lines = []
        for name, host in self.hosts.items():
            fields = {"name": name, "address": f'"{host.v4 if family == 4 else host.v6}"', **extra.get(name, {})}
            lines.append("  - {" + ", ".join(f"{k}: {v}" for k, v in fields.items()) + "}")
        return "\n".join(lines)

    def vip(self, name="web", mode="ipip", family=4, address=None, check="type: http, path: /health, interval: 500ms",
            extra="", **backends):
        address = address or (VIP4 if family == 4 else VIP6)
        return (f'apiVersion: muster/v1\nkind: Vip\nname: {name}\naddresses: ["{address}"]\nports: [80]\nmode: {mode}\n'
                f"{extra}checks: {{web: {{{check}}}}}\nbackends:\n{self.backends(family, **backends)}\n")

    def fetch(self, address=VIP4, port=80, timeout=2, path="/"):
        """One request from the client: the body, or the error's name."""
        host = f"[{address}]" if ":" in address else address
        result = self.client.run("curl", "-s", "--max-time", timeout, f"http://{host}:{port}{path}", check=False)
        return result.stdout.strip() if result.returncode == 0 else {7: "refused", 28: "timeout", 56: "reset"}.get(
            result.returncode, f"curl {result.returncode}")


    def fetch_from_all(self, address=VIP4):
        """Requests until each backend has answered one, at least 12. 100 would miss one of three once in 10^17."""
        answers = []
        while len(answers) < 12 or (len(answers) < 100 and not set(answers) >= set(self.hosts)):
            answers.append(self.fetch(address))
        return answers


@pytest.fixture(scope="module")
def net(rig):
    return Net(rig)


@pytest.fixture
def musterd(net):
    net.restore()
    daemon = Musterd(net.lb)
    for old in daemon.vips.iterdir():
        old.unlink()
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.cli("teardown", check=False)
        daemon.process.wait(10)
    daemon.destroy()


@pytest.fixture
def web(net, musterd):
    """musterd with one ipip VIP over all backends, all up."""
    musterd.manifest("web", net.vip())
    musterd.start()
    musterd.wait_usable("web", len(net.hosts))
    return musterd


@pytest.fixture(scope="module")
def farm(rig):
    return Farm(rig, (VIP4, VIP6), 8)


@pytest.fixture
def started(farm, request):
    """A function of the mode: musterd over the first backends, and its load."""
    farm.restore()
    musterd, loads = Musterd(farm.lb, getattr(request, "param", "")), []

    def start(mode="ipip"):
        musterd.manifest("web", farm.manifest(FIRST, mode))
        musterd.start()
        musterd.wait_usable("web", len(FIRST))
        loads.append(farm.load(STREAMS, mode))
        loads[0].wait_settled()
        return musterd, loads[0]
    yield start
    for load in loads:
        load.kill()
    if musterd.process and musterd.process.poll() is None:
        musterd.cli("teardown", check=False)
        musterd.process.wait(10)
    musterd.destroy()
