"""Rows: packets in, the whole output packet by scapy, verdict, reason and counters out."""
import pytest

import corpus
import rows_errors
import rows_forward
import rows_fragments
import rows_reply
import runner

ROWS = [*rows_forward.ROWS, *rows_fragments.ROWS, *rows_errors.ROWS, *rows_reply.ROWS]
NASTY = corpus.ROWS


@pytest.fixture(scope="module")
def program():
    program = runner.Runner()
    yield program
    program.close()


def test_names_are_unique():
    for rows in (ROWS, NASTY):
        names = [row.name for row in rows]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(program, row):
    run(program, row)


@pytest.mark.parametrize("row", NASTY, ids=[row.name for row in NASTY])
def test_nasty(program, row):
    run(program, row)


def run(program, row):
    program.say("reset")
    flows = {}
    for step in row.steps:
        if isinstance(step, str):
            program.say(step)
        else:
            runner.check(step, program.run(step.data), flows)
