"""Next hops: learned, kept, changed, lost."""
from conftest import VIP4
from rig import Load, wait_for


def via(musterd, backend):
    return musterd.json("backend", "show", backend)["via"]


def test_unanswered_neighbour_is_not_usable(net, musterd):
    musterd.manifest("web", net.vip(check="type: tcp").replace(
        "backends:", "backends:\n  - {name: ghost, address: 198.18.0.77}"))
    musterd.start()
    musterd.wait_usable("web", 3)
    row = musterd.json("backend", "show", "web/ghost")
    assert row["new_ok"] is False and row["path"] in ("pending", "no_neighbour")
    wait_for(lambda: musterd.json("backend", "show", "web/ghost")["path"] == "no_neighbour", "no neighbour", 10, 0.1)
    assert "no path" in musterd.json("backend", "show", "web/ghost")["reason"]


def test_flushed_neighbours_are_no_outage(net, web):
    load = Load(net.client, 300, [f"{VIP4}:80"])
    wait_for(lambda: len(load.rows) > 100, "load")
    for _ in range(5):
        # "Not complete" is an answer too: entries come back while it flushes.
        net.lb.run("ip", "neigh", "flush", "dev", "eth0", check=False)
        wanted = len(load.rows) + 60
        wait_for(lambda n=wanted: len(load.rows) > n, "load goes on")
    rows = load.stop()
    assert not [r for r in rows if r[4] != "ok"]
    assert not web.events("path", to="no_neighbour")


def test_new_mac_address_is_followed(net, web):
    host = net.hosts["b2"]
    before = via(web, "web/b2")
    host.run("ip", "link", "set", "dev", "eth0", "address", "02:00:00:00:77:02")
    host.run("ping", "-c", 1, "-W", 2, net.lb.v4)
    wait_for(lambda: via(web, "web/b2") == "eth0 02:00:00:00:77:02", "the new address", 10, 0.05)
    assert before != via(web, "web/b2")
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_local_address_cannot_be_a_backend(net, musterd):
    musterd.manifest("web", net.vip(check="type: tcp").replace(
        "backends:", f"backends:\n  - {{name: self, address: {net.lb.v4}}}"))
    musterd.start()
    musterd.wait_usable("web", 3)
    row = musterd.json("backend", "show", "web/self")
    assert row["path"] == "local" and row["new_ok"] is False
