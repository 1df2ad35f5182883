"""`gridledger council`: super nodes, their election, and what they review."""

from __future__ import annotations

from gridledger.cli.command import LazyGroup

__all__ = ["group"]

_COMMANDS = {
    "apply": ("gridledger.cli.council_apply_cmd:apply", "Make the council's orderers the consenters."),
    "audit": ("gridledger.cli.council_round_cmd:audit", "Ask the peers for copies that should be gone."),
    "candidates": ("gridledger.cli.council_candidate_cmd:group", "Stand for election, back candidates."),
    "card": ("gridledger.cli.council_sign_cmd:card", "Write what others must know of an orderer."),
    "elect": ("gridledger.cli.council_elect_cmd:group", "Lay down rules, open and count elections."),
    "node": ("gridledger.cli.council_round_cmd:node", "Run a super node."),
    "plan": ("gridledger.cli.council_plan_cmd:plan", "Show how orderers would follow the council."),
    "receipts": ("gridledger.cli.council_round_cmd:receipts", "Show deletion receipts of a round."),
    "review": ("gridledger.cli.council_round_cmd:review", "File requests for review and show them."),
    "rounds": ("gridledger.cli.council_round_cmd:rounds", "Lay down how rounds go, and show them."),
    "sign": ("gridledger.cli.council_sign_cmd:sign", "Sign a change of the consenters."),
    "status": ("gridledger.cli.council_elect_cmd:status", "Show who sits in the council."),
    "vote": ("gridledger.cli.council_vote_cmd:group", "Cast, delegate, withdraw and list votes."),
    "watch": ("gridledger.cli.council_watch_cmd:watch", "Watch consenters, leader, round and reviews."),
}

group = LazyGroup(
    name="council",
    lazy=_COMMANDS,
    help="Elect the super nodes that order and review.",
    no_args_is_help=True,
)
