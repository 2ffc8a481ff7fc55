"""What becomes of flows: drains and deadlines, resets, backups, slow starts, affinity, UDP policies."""
import time

import pytest
import udp_echo
from conftest import VIP4
from rig import Musterd, wait_for
from streams import HEALTH, PORT

STREAMS = 300


@pytest.fixture
def musterd(farm, request):
    farm.restore()
    daemon = Musterd(farm.lb, getattr(request, "param", ""))
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.cli("teardown", check=False)
        daemon.process.wait(10)
    daemon.destroy()


@pytest.fixture
def load(farm):
    """A function that starts the load, once the pool is served."""
    loads = []

    def start(**options):
        loads.append(farm.load(STREAMS, "l2dsr", rate=50, **options))
        loads[0].wait_settled()
        return loads[0]
    yield start
    for each in loads:
        each.kill()


def manifest(farm, names, pool="", vip="", port=PORT, **fields):
    """@fields: more of a backend, by its name."""
    rows = "".join(f"  - {{name: {name}, address: {farm.hosts[name].v4}{fields.get(name, '')}}}\n" for name in names)
    return (f"apiVersion: muster/v1\nkind: Pool\nname: web\n{pool}checks:\n"
            f"  health: {{type: http, port: {HEALTH}, path: /health, interval: 100ms, fast: 50ms, down: 50ms, fall: 2}}\n"
            f"backends:\n{rows}---\napiVersion: muster/v1\nkind: Vip\nname: web\naddresses: [{VIP4}]\nports: [{port}]\n"
            f"mode: ipip\npool: web\n{vip}")


def serve(musterd, farm, names, usable=None, **options):
    musterd.manifest("web", manifest(farm, names, **options))
    musterd.start()
    musterd.wait_usable("web", usable or len(names))


def backend(musterd, name):
    return musterd.json("backend", "show", f"web/{name}")


def reason(musterd, name):
    return next(row["packets"] for row in musterd.json("status")["reasons"] if row["name"] == name)


def broken(load):
    return load.stop()["broken"]


# ---- drains ----

def test_drain_until_its_deadline(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"])
    streams = load()
    had = streams.open_on("b1")
    assert had > STREAMS / 6
    begin = time.monotonic()
    result = musterd.cli("backend", "drain", "web/b1", "deadline", "4s", "--wait")
    took = time.monotonic() - begin
    assert 3.5 < took < 8
    assert "web/b1 is draining, deadline in 4" in result.stdout and "the deadline has passed" in result.stdout
    assert "flows left" in result.stderr, "it says how many while it waits"
    wait_for(lambda: not streams.open_on("b1"), "the rest has moved")
    assert musterd.wait_event("drained")["backend"] == "web/b1"
    rows = broken(streams)
    assert {row["server"] for row in rows} == {"b1"} and len(rows) >= had / 2
    assert not backend(musterd, "b1")["old_ok"]


def test_drain_waits_for_the_last_flow(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"])
    streams = load()
    result = musterd.cli("--timeout", 1, "backend", "drain", "web/b1", "--wait", check=False)
    assert result.returncode == 124 and "flows are left" in result.stderr
    row = backend(musterd, "b1")
    assert row["admin"] == "draining" and row["old_ok"] and not row["new_ok"]
    wait_for(lambda: backend(musterd, "b1")["flows"] >= streams.open_on("b1") > 0, "each flow is seen and counted")
    streams.close("b1")
    result = musterd.cli("--timeout", 40, "backend", "drain", "web/b1", "--wait")
    assert "drained: no flow" in result.stdout
    assert not backend(musterd, "b1")["flows"]
    assert not broken(streams)


def test_drain_words(musterd, farm):
    serve(musterd, farm, ["b1", "b2"])
    for words, text in ((["until", "4s"], "expects deadline, not 'until'"), (["deadline"], "needs a time like 10m"),
                        (["deadline", "soon"], "'soon' is not a time")):
        result = musterd.cli("backend", "drain", "web/b1", *words, check=False)
        assert result.returncode == 2 and text in result.stderr
    assert backend(musterd, "b1")["admin"] == "enabled"


# ---- failing ----

def test_on_down_reset_tells_the_clients(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"], pool="on_down: reset\n")
    streams = load()
    had = streams.open_on("b1")
    farm.servers["b1"].set_health(503)
    wait_for(lambda: backend(musterd, "b1")["health"] == "failing", "b1 fails")
    wait_for(lambda: not streams.open_on("b1"), "its clients know")
    rows = broken(streams)
    assert {row["server"] for row in rows} == {"b1"} and {row["how"] for row in rows} == {"reset"}
    assert reason(musterd, "member_reset") >= had, "by the balancer, not by another backend"


def test_failing_keeps_its_flows(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"])
    streams = load()
    had = streams.open_on("b1")
    farm.servers["b1"].set_health(503)
    wait_for(lambda: backend(musterd, "b1")["health"] == "failing", "b1 fails")
    streams.wait_exchanges(4 * STREAMS)
    assert abs(streams.open_on("b1") - had) <= 20, "short ones went; they are not replaced"
    assert not broken(streams)


# ---- backups ----

def test_backups_come_in_and_go_out(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3", "b4"], b3=", backup: true", b4=", backup: true")
    streams = load()
    assert streams.open_on("b1") and streams.open_on("b2")
    assert not streams.open_on("b3") + streams.open_on("b4")
    musterd.cli("backend", "drain", "web/b1")
    musterd.cli("backend", "disable", "web/b2")
    wait_for(lambda: not streams.open_on("b2") and streams.settled(), "those of b2 were opened anew", 20)
    assert streams.open_on("b3") and streams.open_on("b4") and streams.open_on("b1")
    for name in ("b1", "b2"):
        musterd.cli("backend", "enable", f"web/{name}")
    streams.wait_exchanges(3 * STREAMS)
    on_backups = streams.open_on("b3") + streams.open_on("b4")
    assert on_backups > STREAMS / 4, "what the backups have stays with them"
    streams.close("b3")
    streams.close("b4")
    wait_for(streams.settled, "those of the backups were opened anew", 20)
    assert not streams.open_on("b3") + streams.open_on("b4")
    assert {row["server"] for row in broken(streams)} <= {"b2"}


def test_a_vip_without_the_backups(farm, musterd):
    text = manifest(farm, ["b1", "b2"], b2=", backup: true")
    second = text.split("---\n")[1].replace("name: web\naddr", "name: only\naddr").replace(f"[{VIP4}]", "[198.18.9.9]")
    musterd.manifest("web", f"{text}---\n{second}on_empty: drop\n")
    musterd.start()
    musterd.wait_usable("web", 2)
    musterd.cli("backend", "disable", "web/b1")
    shown = {row["name"]: row["state"] for row in musterd.json("vip", "list")["vips"]}
    assert shown == {"web": "ready", "only": "empty"}


# ---- shares ----

def test_slow_start(farm, musterd):
    serve(musterd, farm, ["b1", "b2"], pool="slow_start: 3s\n")
    time.sleep(3.2)  # the pool has been served for longer than that: no condition shows it
    farm.servers["b1"].set_health(503)
    wait_for(lambda: backend(musterd, "b1")["share"] == 0, "b1 is out")
    farm.servers["b1"].set_health(200)
    shares = []

    def whole():
        shares.append(backend(musterd, "b1")["share"])
        return shares[-1] > 0.45
    wait_for(whole, "the whole share of b1", 10, step=0.05)
    assert shares == sorted(shares) and len(set(shares)) >= 4, "little by little, never back"
    assert 0 < next(share for share in shares if share) < 0.2


def test_weight_over_a_time(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2"])
    streams = load()
    flips = musterd.json("status")["commits_flip"]
    result = musterd.cli("backend", "weight", "web/b1", 20, "over", "3s")
    assert "weight 20 in 3" in result.stdout
    wait_for(lambda: backend(musterd, "b1")["share"] < 0.2, "the share of 20 beside 100", 10)
    assert musterd.json("status")["commits_flip"] == flips, "patches, no new ring"
    assert backend(musterd, "b1")["weight"] == 20
    musterd.cli("backend", "weight", "web/b1", 300, "over", "2s")
    wait_for(lambda: backend(musterd, "b1")["share"] > 0.7, "the share of 300 beside 100", 10)
    streams.wait_exchanges(2 * STREAMS)
    assert not broken(streams)


def test_affinity_of_a_client(farm, musterd):
    serve(musterd, farm, ["b1", "b2", "b3", "b4"], vip="affinity: client\nprotocol: udp\n", port=5353)
    with udp_echo.serving(farm.hosts, VIP4, 5353):
        flows = [udp_echo.Flow(farm.client, VIP4, 5353) for _ in range(30)]
        assert len({flow.ask() for flow in flows}) == 1
        for flow in flows:
            flow.close()


# ---- UDP ----

@pytest.mark.parametrize("policy, after_drain, after_loss", [
    ("", "stays", "moves"), ("repick: down\n", "stays", "moves"), ("repick: now\n", "moves", "moves"),
    ("repick: never\n", "stays", "stays")], ids=["default", "down", "now", "never"])
def test_udp_flows_of_a_backend_that_goes_away(farm, musterd, policy, after_drain, after_loss):
    serve(musterd, farm, ["b1", "b2", "b3"], vip=f"protocol: udp\n{policy}", port=5353)
    hosts = {name: farm.hosts[name] for name in ("b1", "b2", "b3")}
    with udp_echo.serving(hosts, VIP4, 5353):
        flows = [udp_echo.Flow(farm.client, VIP4, 5353) for _ in range(60)]
        first = [flow.ask() for flow in flows]
        assert set(first) == set(hosts)

        def moved():
            now = [flow.ask() for flow in flows]
            assert [b for a, b in zip(first, now) if a != "b1"] == [a for a in first if a != "b1"], "others stay"
            return sum(a == "b1" != b for a, b in zip(first, now))
        musterd.cli("backend", "drain", "web/b1")
        assert moved() == (first.count("b1") if after_drain == "moves" else 0)
        musterd.cli("backend", "disable", "web/b1")
        assert moved() == (first.count("b1") if after_loss == "moves" else 0)
        for flow in flows:
            flow.close()


# ---- rest ----

@pytest.mark.parametrize("musterd", ["settle: {tcp: 1s, udp: 1s}\n"], indirect=True)
def test_slots_come_to_rest(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"])

    def unsettled():
        row = musterd.json("pool", "show", "web")
        return row["moving"] + row["pinned"]
    wait_for(lambda: not unsettled(), "all slots are stable", 20)
    streams = load(pause="100-400")
    assert not musterd.json("pool", "show", "web")["flows"], "nothing is recorded in stable slots"
    musterd.cli("backend", "drain", "web/b1")
    row = musterd.json("pool", "show", "web")
    assert 0 < row["moving"] < row["slots"] / 2, "the slots of one backend of three"
    wait_for(lambda: not musterd.json("pool", "show", "web")["moving"], "none moves", 20)
    row = musterd.json("pool", "show", "web")
    assert row["pinned"] and row["flows"] >= streams.open_on("b1"), "b1's flows hold their slots"
    streams.close("b1")
    wait_for(lambda: not unsettled(), "the slots of b1 are stable again", 20)
    assert not musterd.json("pool", "show", "web")["flows"]
    assert not broken(streams)


def test_hold(farm, musterd, load):
    serve(musterd, farm, ["b1", "b2", "b3"])
    farm.servers["b1"].set_health(503)
    wait_for(lambda: backend(musterd, "b1")["health"] == "failing", "b1 fails")
    assert "changes are held for 1m" in musterd.cli("hold", "1m").stdout
    farm.servers["b1"].set_health(200)
    wait_for(lambda: backend(musterd, "b1")["health"] == "up", "b1 is up")
    assert not backend(musterd, "b1")["new_ok"], "it came up, and stays out"
    for words in (["reload"], ["backend", "drain", "web/b2"], ["backend", "weight", "web/b2", 50]):
        result = musterd.cli(*words, check=False)
        assert result.returncode == 5 and "held" in result.stderr
    farm.servers["b2"].set_health(503)
    wait_for(lambda: not backend(musterd, "b2")["new_ok"], "losses count")
    assert any("changes are held" in note for note in musterd.json("status")["problems"])
    musterd.cli("hold", "off")
    assert backend(musterd, "b1")["new_ok"]
    assert musterd.cli("hold", "soon", check=False).returncode == 2
    musterd.cli("hold", "1s")
    farm.servers["b2"].set_health(200)
    wait_for(lambda: backend(musterd, "b2")["new_ok"], "it ends by itself", 10)
