"""Random changes of a pool of stream servers, from a seed: what operators, deploys and crashes do to it.

Every change goes the way a user's does: a manifest and `muster reload`, `muster backend ...`, a signal to a
server. Only a kill, `disable` and a removal without a drain may break connections, and only those of their
server: they are noted in `losses` for the judge. What takes no new connections is noted too, and looked at
when it takes them again.
"""
import collections
import random
import time

from judge import Loss
from rig import clock_ns, wait_for

# How often each is drawn where it is possible.
LIKELY = {"weight": 8, "weights": 3, "drain": 6, "enable": 6, "add": 5, "remove": 6, "ill": 4, "well": 5, "kill": 3,
          "start": 5, "disable": 1.5, "cut": 1, "restart": 0.7}
LISTED_MIN = 5


def fits(out, listed):
    """So few are out that the pool is not in panic and no change is refused."""
    return listed >= LISTED_MIN and out <= (listed - 1) // 2


class Changes:
    def __init__(self, farm, musterd, load, seed, listed, mode="ipip"):
        self.farm, self.musterd, self.load, self.mode = farm, musterd, load, mode
        self.random = random.Random(seed)
        self.listed = list(listed)
        self.weights = dict.fromkeys(farm.hosts, 100)  # of the manifest
        self.admin, self.ill, self.dead = {}, set(), set()
        self.out_since = {}  # backends that were seen to take nothing new, and when
        self.losses, self.misplaced, self.log = [], [], []
        self.counts = collections.Counter()
        self.begin_ns = clock_ns()

    # ---- what may be done ----

    def out(self):
        return [name for name in self.listed if name in self.ill or name in self.dead or name in self.admin]

    def candidates(self, verb):
        listed, out = self.listed, self.out()
        well = [name for name in listed if name not in out]
        if verb in ("restart", "weights"):
            return [None]
        if verb in ("drain", "ill", "kill", "disable"):
            return well if fits(len(out) + 1, len(listed)) else []
        if verb == "cut":
            return well if fits(len(out), len(listed) - 1) else []
        drained = [name for name in listed if self.admin.get(name) == "draining"]
        return {"weight": listed, "enable": [name for name in listed if name in self.admin],
                "add": [name for name in self.farm.hosts if name not in listed and name not in self.dead | self.ill],
                "remove": drained if fits(len(out) - 1, len(listed) - 1) else [],
                "well": sorted(self.ill), "start": sorted(self.dead)}[verb]

    def draw(self):
        verbs = {verb: names for verb in LIKELY if (names := self.candidates(verb))}
        verb = self.random.choices(list(verbs), [LIKELY[verb] for verb in verbs])[0]
        return verb, self.random.choice(verbs[verb])

    # ---- seeing that it is done ----

    def wait(self, name, **fields):
        def shown():
            row = self.musterd.json("backend", "show", f"web/{name}")
            return all(row[key] in (value if isinstance(value, tuple) else (value,)) for key, value in fields.items())
        wait_for(shown, f"web/{name} {fields}", 15, step=0.02)

    def goes_out(self, name, **fields):
        self.wait(name, new_ok=False, **fields)
        self.out_since.setdefault(name, clock_ns())

    def look_at(self, name):
        """Before it takes new connections again: did it take any while it should not?"""
        since = self.out_since.pop(name, None)
        # A port that was used before may be one of an unfinished connection, which its new one joins.
        rows = [row for row in self.load.opened(name, since) if not row["again"]] if since else []
        if rows:
            said = [f"{row['kind']} {row['id']} (IPv{row['family']}, port {row['port']}) after "
                    f"{(row['opened_ns'] - since) / 1e6:.1f} ms" for row in rows[:5]]
            self.misplaced.append(f"{name}, out since {(since - self.begin_ns) / 1e9:.3f} s, "
                                  f"got {len(rows)} connections: {', '.join(said)}")

    def comes_back(self, name):
        self.look_at(name)
        return name not in self.ill | self.dead and name not in self.admin

    def reload(self):
        self.musterd.manifest("web", self.farm.manifest(self.listed, self.mode, self.weights))
        self.musterd.reload()

    def lose(self, server, begin_ns, what):
        self.losses.append(Loss(server, begin_ns, clock_ns(), what))

    # ---- the changes ----

    def weight(self, name):
        weight = self.random.choice((25, 50, 75, 100, 150, 200, 400))
        self.musterd.cli("backend", "weight", f"web/{name}", weight)
        self.wait(name, weight=weight)
        return weight

    def weights_(self, _):
        """Several at once, in one generation."""
        for name in self.random.sample(self.listed, 3):
            self.weights[name] = self.random.choice((50, 100, 200))
        self.reload()

    def drain(self, name):
        self.musterd.cli("backend", "drain", f"web/{name}")
        self.admin[name] = "draining"
        self.goes_out(name, admin="draining", old_ok=True)

    def enable(self, name):
        del self.admin[name]
        back = self.comes_back(name)
        self.musterd.cli("backend", "enable", f"web/{name}")
        self.wait(name, admin="enabled", **({"new_ok": True} if back else {}))

    def disable(self, name):
        begin = clock_ns()
        self.musterd.cli("backend", "disable", f"web/{name}")
        self.admin[name] = "disabled"
        self.goes_out(name, admin="disabled")
        self.lose(name, begin, "disabled")

    def add(self, name):
        self.listed.append(name)
        self.reload()
        # A drain is remembered by name, whether or not the backend was away meanwhile.
        if self.musterd.json("backend", "show", f"web/{name}")["admin"] != "enabled":
            self.musterd.cli("backend", "enable", f"web/{name}")
        self.wait(name, new_ok=True)

    def remove(self, name):
        """When nobody is connected; a used port may bring somebody back in the moment that the reload takes."""
        self.load.close(name)
        begin = clock_ns()
        self.look_at(name)
        self._unlist(name)
        self.lose(name, begin, "removed")

    def cut(self, name):
        begin = clock_ns()
        self._unlist(name)
        self.lose(name, begin, "removed")

    def _unlist(self, name):
        self.listed.remove(name)
        self.reload()
        self.admin.pop(name, None)
        self.out_since.pop(name, None)

    def ill_(self, name):
        self.farm.servers[name].set_health(503)
        self.ill.add(name)
        self.goes_out(name, health="failing", old_ok=True)

    def well(self, name):
        self.ill.remove(name)
        back = self.comes_back(name)
        self.farm.servers[name].set_health(200)
        if name in self.listed:
            self.wait(name, health="up", **({"new_ok": True} if back else {}))

    def kill(self, name):
        begin, end = self.farm.servers[name].kill()
        self.losses.append(Loss(name, begin, end))
        self.dead.add(name)
        # Usually hard evidence; where the check of its health looks first, a soft one before it.
        self.goes_out(name, health=("unreachable", "failing"))

    def start(self, name):
        self.dead.remove(name)
        back = self.comes_back(name)
        self.farm.servers[name].start()
        if name in self.listed:
            self.wait(name, health="up", **({"new_ok": True} if back else {}))

    def restart(self, _):
        """What the operator said at run time is forgotten: drained backends are back, weights are the manifest's."""
        for name in [name for name in self.admin if name not in self.ill | self.dead]:
            self.look_at(name)
        how = self.random.choice((self.musterd.kill, self.musterd.terminate))
        how()
        self.admin.clear()
        self.musterd.start()
        self.musterd.wait_usable("web", len(self.listed) - len(self.out()))
        return how.__name__

    # ---- running them ----

    def apply(self, verb, name):
        at = clock_ns()
        detail = getattr(self, verb + "_" if verb in ("ill", "weights") else verb)(name)
        text = " ".join(str(word) for word in (verb, name, detail) if word is not None)
        self.log.append((at, text))
        self.counts[verb] += 1
        print(f"  {(at - self.begin_ns) / 1e9:7.3f} s  {text}  ({(clock_ns() - at) / 1e6:.0f} ms)", flush=True)

    def run(self, n, pause_s=0.15):
        for _ in range(n):
            self.apply(*self.draw())
            time.sleep(self.random.uniform(0, pause_s))  # changes may fall together, and may not

    def restore(self):
        for name in sorted(self.dead):
            self.apply("start", name)
        for name in sorted(self.ill):
            self.apply("well", name)
        for name in sorted(self.admin):
            self.apply("enable", name)
