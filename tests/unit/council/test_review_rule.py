"""A super node's own rule: a program that gets the content and decides by its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridledger.council.review_rule import program_rule, without_rules
from gridledger.model.council_review import (
    ReviewProblem,
    ReviewRequest,
    ReviewState,
    ReviewStatement,
    SignedReviewStatement,
)
from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier

CONTENT = b"16 meters" * 20_000
ROOT = SystemIdentifier("88.1042")
STATEMENT = ReviewStatement(
    root=ROOT,
    round=1,
    system=ROOT,
    access="0" * 64,
    digest=Digest.of(CONTENT),
    made_ms=1,
    nonce="n" * 16,
)
REQUEST = ReviewRequest(
    signed=SignedReviewStatement(statement=STATEMENT, signature=bytes(8)),
    organisation="Org1MSP",
    place=0,
    path=("0" * 32,),
    state=ReviewState.REVIEWED,
    filed_ms=1,
)


def program(folder: Path, *lines: str) -> Path:
    path = folder / "rule"
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n", "utf-8")
    path.chmod(0o700)
    return path


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (("cat > /dev/null",), ()),
        ((f'test "$1" = {STATEMENT.id}',), ()),
        (("grep -q meters",), ()),
        (("grep -q rivers",), (ReviewProblem.RULE,)),
        # It need not read what it gets, and may be killed.
        (("exit 1",), (ReviewProblem.RULE,)),
        (("kill -9 $$",), (ReviewProblem.RULE,)),
    ],
)
async def test_program_approves_by_its_exit_code_alone(
    tmp_path: Path, lines: tuple[str, ...], problems: tuple[ReviewProblem, ...]
) -> None:
    assert await program_rule(program(tmp_path, *lines))(CONTENT, REQUEST) == problems


async def test_program_that_takes_too_long_is_ended_and_rejects(tmp_path: Path) -> None:
    slow = program_rule(program(tmp_path, "exec sleep 600"), timeout=0.2)
    assert await slow(CONTENT, REQUEST) == (ReviewProblem.RULE,)


async def test_super_node_without_a_rule_finds_nothing() -> None:
    assert await without_rules(CONTENT, REQUEST) == ()
