"""The rules that a super node reviews by: none of its own, or a program's."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from gridledger.model.council_review import ReviewProblem, ReviewRequest

__all__ = ["Reviewer", "program_rule", "without_rules"]

Reviewer = Callable[[bytes, ReviewRequest], Awaitable[tuple[ReviewProblem, ...]]]
"""What a super node's own rules say of a content: problems, or none."""

_PROGRAM_S: Final = 30.0


async def without_rules(content: bytes, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
    """Find nothing: what a super node without rules of its own says of what is right by the ledger."""
    del content, request
    return ()


def program_rule(program: Path, *, timeout: float = _PROGRAM_S) -> Reviewer:
    """Return a rule that a program decides: exit code 0 approves, any other one rejects.

    Parameters
    ----------
    program : pathlib.Path
        Gets the content on its standard input, which leaves no file, and the request's id as argument.
    timeout : float, default 30
        Seconds; a program that takes longer is ended, and rejects.
    """

    async def review(content: bytes, request: ReviewRequest) -> tuple[ReviewProblem, ...]:
        process = await asyncio.create_subprocess_exec(
            program, request.signed.statement.id, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(timeout):
                await process.communicate(content)
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return () if process.returncode == 0 else (ReviewProblem.RULE,)

    return review
