"""Changes of the configuration: applied whole or not at all, and explained."""
import os
import time

import pytest
from conftest import VIP4
from rig import BUILD, Load, run, wait_for


def test_typo_keeps_the_old_state(net, web):
    generation = web.json("status")["generation"]
    web.manifest("web", net.vip().replace("interval:", "intreval:"))
    result = web.cli("reload", check=False)
    assert result.returncode == 2
    assert "web.yaml:7:" in result.stderr and "did you mean 'interval'" in result.stderr
    assert web.json("status")["generation"] == generation
    assert set(net.fetch_from_all()) == set(net.hosts)
    assert "refused" in web.cli("status").stdout


def test_empty_directory_is_refused(net, web):
    (web.vips / "web.yaml").unlink()
    result = web.cli("reload", check=False)
    assert result.returncode == 5 and "--allow-removal" in result.stderr
    assert net.fetch() in net.hosts
    assert web.cli("reload", "--allow-removal").returncode == 0
    assert web.json("vip", "list")["vips"] == []
    assert net.fetch() not in net.hosts


def test_same_vip_in_two_files(net, web):
    web.manifest("again", net.vip(name="again"))
    result = web.cli("reload", check=False)
    assert result.returncode == 2
    assert "again.yaml:4" in result.stderr + result.stdout or "web.yaml:4" in result.stderr
    assert "again.yaml" in result.stderr and "web.yaml" in result.stderr, "both places are named"


def test_apply_twice_is_unchanged(net, musterd, tmp_path):
    musterd.start()
    path = tmp_path / "web.yaml"
    path.write_text(net.vip())
    assert "applied" in musterd.cli("apply", "-f", path).stdout
    generation = musterd.json("status")["generation"]
    assert "unchanged" in musterd.cli("apply", "-f", path).stdout
    assert musterd.json("status")["generation"] == generation
    musterd.wait_usable("web", 3)
    path.write_text(net.vip(b2={"weight": 50}))
    assert "applied" in musterd.cli("apply", "-f", path).stdout
    assert musterd.json("status")["generation"] == generation + 1


def test_apply_of_a_file_owned_object_is_refused(net, web, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(net.vip(b1={"weight": 1}))
    result = web.cli("apply", "-f", path, check=False)
    assert result.returncode == 5
    assert "belongs to" in result.stderr and "web.yaml:1" in result.stderr


def test_prune(net, musterd, tmp_path):
    musterd.start()
    one, two, three = (tmp_path / f"{n}.yaml" for n in ("one", "two", "three"))
    one.write_text(net.vip(name="one"))
    two.write_text(net.vip(name="two", address="198.18.0.101"))
    three.write_text(net.vip(name="three", address="198.18.0.102"))
    musterd.cli("apply", "-f", one, "-f", two, "-f", three)
    assert len(musterd.json("vip", "list")["vips"]) == 3
    assert musterd.cli("apply", "-f", one, "--prune", check=False).returncode == 5
    assert len(musterd.json("vip", "list")["vips"]) == 3
    musterd.cli("apply", "-f", one, "-f", two, "--prune")
    assert [row["name"] for row in musterd.json("vip", "list")["vips"]] == ["one", "two"]


def test_drain_disable_enable_weight(net, web):
    web.cli("backend", "drain", "b1")
    row = web.json("backend", "show", "web/b1")
    assert (row["admin"], row["new_ok"], row["old_ok"]) == ("draining", False, True)
    assert "b1" not in {net.fetch() for _ in range(12)}
    web.cli("backend", "disable", "web/b2")
    assert set(net.fetch() for _ in range(8)) == {"b3"}
    last = web.cli("backend", "drain", "b3", check=False)
    assert last.returncode == 5 and "--force" in last.stderr and "last" in last.stderr
    assert net.fetch() == "b3"
    web.cli("backend", "drain", "b3", "--force")
    assert net.fetch() == "refused"
    for name in net.hosts:
        web.cli("backend", "enable", name)
    assert set(net.fetch_from_all()) == set(net.hosts)
    web.cli("backend", "weight", "b1", "300")
    row = web.json("backend", "show", "b1")
    assert row["weight"] == 300 and abs(row["share"] - 0.6) < 0.02
    web.reload()
    assert web.json("backend", "show", "b1")["weight"] == 300, "runtime fields survive a reload"


def test_not_found_and_ambiguous(net, musterd):
    musterd.manifest("a", net.vip(name="a"))
    musterd.manifest("b", net.vip(name="b", address="198.18.0.101"))
    musterd.start()
    missing = musterd.cli("backend", "drain", "b9", check=False)
    assert missing.returncode == 4 and "b9" in missing.stderr
    both = musterd.cli("backend", "drain", "b1", check=False)
    assert both.returncode == 5 and "a and b" in both.stderr and "say a/b1" in both.stderr
    assert musterd.cli("vip", "show", "nope", check=False).returncode == 4


def test_arena_full_keeps_the_old_state(net, musterd):
    musterd.config.write_text(musterd.config.read_text() + "limits: {ring_slots: 2048}\n")
    musterd.manifest("web", net.vip())
    musterd.start()
    musterd.wait_usable("web", 3)
    big = net.vip(name="big", address="198.18.0.101").replace("backends:", "backends:\n" + "\n".join(
        f"  - {{name: x{i}, address: 198.18.0.{i}}}" for i in range(20, 60)))
    musterd.manifest("big", big)
    result = musterd.cli("reload", check=False)
    assert result.returncode == 5 and "ring_slots" in result.stderr, result.stderr
    assert {row["name"] for row in musterd.json("vip", "list")["vips"]} == {"web"}
    assert set(net.fetch_from_all()) == set(net.hosts)
    (musterd.vips / "big.yaml").unlink()
    assert "unchanged" in musterd.reload().stdout


def test_all_vips_change_in_one_generation(net, musterd):
    addresses = [f"198.18.0.{n}" for n in range(150, 158)]

    def write(names):
        backends = "\n".join(f"  - {{name: {n}, address: {net.hosts[n].v4}}}" for n in names)
        docs = [f"apiVersion: muster/v1\nkind: Pool\nname: p\nchecks: {{}}\nbackends:\n{backends}\n"]
        docs += [f"apiVersion: muster/v1\nkind: Vip\nname: v{i}\naddresses: [{a}]\nports: [80]\nmode: l2dsr\npool: p\n"
                 for i, a in enumerate(addresses)]
        musterd.manifest("all", "---\n".join(docs))
    for host in net.hosts.values():
        for address in addresses:
            host.add_address(address)
    write(["b1", "b2"])
    musterd.start()
    musterd.wait_usable("v0", 2)
    generation = musterd.json("status")["generation"]
    load = Load(net.client, 800, [f"{a}:80" for a in addresses])
    wait_for(lambda: len(load.rows) > 400, "load")
    mark = musterd.mark()
    write(["b3"])
    musterd.reload()
    commit = int(musterd.wait_event("commit", since=mark)["commit_ns"])
    wait_for(lambda: len(load.rows) > 1200, "load after")
    rows = load.stop()
    assert musterd.json("status")["generation"] == generation + 1
    assert not [r for r in rows if r[0] > commit and r[5] != "b3"], "after the commit: only the new tables"
    assert not [r for r in rows if r[0] < commit - 20_000_000 and r[5] == "b3"], "before: only the old ones"


def test_monitor_shows_changes(net, web):
    process = net.lb.popen(BUILD / "muster", "--run-dir", web.dir / "run", "monitor", stdout=-1, text=True)
    time.sleep(0.3)  # until its first poll is out there is nothing to wait for
    web.cli("backend", "drain", "b1")
    line = process.stdout.readline()
    assert "web/b1" in line and "draining" in line
    process.terminate()
    process.wait(5)


def test_check_and_test_mode(net, musterd, tmp_path):
    musterd.manifest("web", net.vip())
    assert run(BUILD / "musterd", "-t", "-c", musterd.config).returncode == 0
    assert run(BUILD / "muster", "check", "-f", musterd.vips).stdout.startswith("ok")
    musterd.manifest("bad", net.vip(name="bad", address="198.18.0.101").replace("ports: [80]", "ports: [0]"))
    for result in (run(BUILD / "musterd", "-t", "-c", musterd.config, check=False),
                   run(BUILD / "muster", "check", "-f", musterd.vips, check=False)):
        assert result.returncode == 2
        assert "bad.yaml:5:" in result.stderr, result.stderr
    missing = run(BUILD / "musterd", "-t", "-c", tmp_path / "none.yaml", check=False)
    assert missing.returncode == 2 and "none.yaml" in missing.stderr


def test_bad_manifest_at_start_is_fatal_and_leaves_forwarding(net, web):
    web.terminate()
    web.manifest("web", net.vip().replace("mode: ipip", "mode: ippip"))
    web.start(wait=False)
    assert web.process.wait(10) == 2
    assert "web.yaml:6" in web.log_path.read_text()
    assert set(net.fetch_from_all()) == set(net.hosts)
    web.manifest("web", net.vip())
    web.start()


@pytest.mark.parametrize("verb", [["reload"], ["backend", "drain", "b1"], ["teardown"]])
def test_view_socket_only_reads(net, web, verb):
    """The read-only socket shows everything and changes nothing."""
    os.rename(web.dir / "run/control.sock", web.dir / "run/hidden")
    try:
        assert web.cli("status").returncode == 0
        assert web.cli(*verb, check=False).returncode == 3
    finally:
        os.rename(web.dir / "run/hidden", web.dir / "run/control.sock")
    assert VIP4 in web.cli("vip", "list").stdout


def test_dripping_clients_do_not_starve_the_command_line(net, web):
    import socket
    path = str(web.dir / "run/control.sock")
    drips = []
    for _ in range(100):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        sock.sendall(b"GET /v1/sta")
        drips.append(sock)
    start = time.monotonic()
    web.cli("status")
    took = time.monotonic() - start
    for sock in drips:
        sock.close()
    assert took < 1, "promised: 100 ms; asserted at ten times that"


def test_vip_in_outer_source_is_refused(net, musterd):
    """Its packets would come from an address that the backend has itself."""
    musterd.config.write_text(musterd.config.read_text() + "outer_source: [198.18.0.64/26]\n")
    musterd.manifest("web", net.vip(address="198.18.0.10"))
    musterd.start()
    musterd.manifest("api", net.vip(name="api", address=VIP4))
    result = musterd.cli("reload", check=False)
    assert result.returncode == 2, result
    assert "api.yaml:3:7: VIP api: 198.18.0.100 is in outer_source" in result.stderr
    assert {row["name"] for row in musterd.json("vip", "list")["vips"]} == {"web"}
    test = run(BUILD / "musterd", "-t", "-c", musterd.config, check=False)
    assert test.returncode == 2 and "is in outer_source" in test.stderr
