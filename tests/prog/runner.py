"""build/tests/prog/run_packets, and rows: steps of frames in and what has to become of them."""
import dataclasses
import json
import os
import pathlib
import subprocess
from typing import Callable, Optional

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MUSTER_BUILD", "build")


class Runner:
    def __init__(self, build="plain"):
        self.process = subprocess.Popen([BUILD / "tests/prog/run_packets", build], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{line[:80]}: {answer['error']}"
        return answer

    def run(self, data):
        answer = self.say("run " + data.hex())
        answer["out"] = bytes.fromhex(answer["out"])
        return answer

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0


@dataclasses.dataclass(frozen=True)
class Step:
    """A frame. @reason: a name, or several ("a|b") where the choice is the program's."""
    data: bytes
    verdict: str
    reason: str
    expect: Optional[Callable[[bytes, bytes], bytes]] = None
    service: Optional[str] = None  # whose counters rise, as "198.18.0.100 tcp 80"
    new_flow: int = 0
    flow: Optional[str] = None     # steps of a row with the same name go to the same member


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    steps: tuple                   # of Step, or of str: a directive of run_packets.c


def row(name, *steps):
    return Row(name, steps)


def as_frame(packet):
    return packet if isinstance(packet, bytes) else wire.frame(packet)


def sends(packet, service=None, verdict="TX", flow=None, **how):
    """To a member. @service: {protocol} {port}, if the packet does not say it."""
    data = as_frame(packet)
    ip = wire.trim(wire.untag(data)[2])
    vip = wire.addresses(ip)[1]
    proto, rest = wire.l4_of(ip)
    if not service:
        service = f"{({6: 'tcp', 17: 'udp'})[proto]} {int.from_bytes(rest[2:4], 'big')}"
        new = proto == 6 and rest[13] & 0x12 == 2
    else:
        new = 0
    return Step(data, verdict, "sent_" + wire.MODES[vip][0], wire.sent(**how), f"{vip} {service}",
                int(new), flow)


def passes(packet, reason="not_vip"):
    return Step(as_frame(packet), "PASS", reason)


def drops(packet, reason):
    return Step(as_frame(packet), "DROP", reason)


def answers(packet, reason, expect):
    return Step(as_frame(packet), "TX", reason, expect)


def show(data):
    return data.hex(" ", 4)


def check(step, got, flows):
    """Asserts that @got, the runner's answer to @step, is what has to be."""
    seen = "+".join(got["reasons"])
    if got["verdict"] != step.verdict or seen not in step.reason.split("|"):
        raise AssertionError(f"{got['verdict']} {seen}, not {step.verdict} {step.reason}: "
                             f"{step.data.hex()}")
    assert got["reasons"][seen][0] == 1
    if step.verdict == "PASS":
        assert got["out"] == step.data, "PASS changed the frame"
    if not step.expect:
        return
    want = step.expect(step.data, got["out"])
    extra = len(got["out"]) - len(want)
    padding = len(step.data) - len(step.data.rstrip(b"\0"))
    assert show(got["out"][:len(want)]) == show(want), f"in {step.data.hex()}"
    assert 0 <= extra <= max(padding, 0), f"{extra} bytes behind the packet"
    wire.verify(wire.untag(want)[2], quotes=not step.service)
    if step.service:
        assert got["services"] == {step.service: [1, len(step.data), step.new_flow]}
        assert [counts for counts in got["members"].values()] == [
            [1, len(step.data), step.new_flow]]
        if step.flow:
            member = next(iter(got["members"]))
            assert flows.setdefault(step.flow, member) == member, "another member"
