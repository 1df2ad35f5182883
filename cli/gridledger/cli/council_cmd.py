"""`gridledger council`: super nodes, their election, and what they do."""

from __future__ import annotations

from gridledger.cli.command import LazyGroup

__all__ = ["group"]

_COMMANDS = {
    "candidates": ("gridledger.cli.council_candidate_cmd:group", "Stand for election, back candidates."),
    "elect": ("gridledger.cli.council_elect_cmd:group", "Lay down rules, open and count elections."),
    "status": ("gridledger.cli.council_elect_cmd:status", "Show who sits in the council."),
    "vote": ("gridledger.cli.council_vote_cmd:group", "Cast, delegate, withdraw and list votes."),
}

group = LazyGroup(
    name="council",
    lazy=_COMMANDS,
    help="Elect the super nodes that order and review.",
    no_args_is_help=True,
)
