"""Who may call what: the table of LEDGER.md, cell by cell, against the declarations and against calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.chaincode.party import Party

from gridledger.chaincode import GridLedger
from gridledger.model.errors import ContractError
from gridledger.model.refusals import AccessDenied, BadArgument
from gridledger.model.roles import Role
from gridledger.shim.function import Kind
from gridledger.shim.testing import MemoryPeer

_LEDGER = Path(__file__).parents[3] / "chaincode" / "LEDGER.md"


def table() -> dict[str, set[Role]]:
    text = _LEDGER.read_text("utf-8")
    match = re.search(r"<!-- permissions -->\n(.*?)<!-- /permissions -->", text, re.DOTALL)
    assert match is not None
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in match[1].splitlines()]
    roles = [Role(name) for name in head[1:]]
    return {row[0]: {role for role, cell in zip(roles, row[1:], strict=True) if cell == "x"} for row in rows}


TABLE = table()
FUNCTIONS = {
    function.full_name: function
    for name, functions in GridLedger().contracts.items()
    for function in functions
    if name not in {"ledger", "org.hyperledger.fabric"}
}


def test_table_names_every_transaction_and_its_roles() -> None:
    declared = {
        name: set(function.declaration.roles)
        for name, function in FUNCTIONS.items()
        if function.declaration.kind is Kind.TRANSACTION
    }
    assert declared == TABLE
    assert all(declared.values())


def test_queries_are_open_to_every_member() -> None:
    queries = [one for one in FUNCTIONS.values() if one.declaration.kind is Kind.QUERY]
    assert queries
    assert not any(one.declaration.roles for one in queries)


@pytest.mark.parametrize("function", sorted(TABLE))
async def test_cell_decides_before_arguments_are_read(function: str) -> None:
    async with MemoryPeer(GridLedger()) as peer:
        for role in Role:
            caller = Party(peer, "Org1MSP", role.value, role)
            expected = BadArgument if role in TABLE[function] else AccessDenied
            with pytest.raises(ContractError) as caught:
                await caller.commit(function)
            assert type(caught.value) is expected, role
        nobody = Party(peer, "Org1MSP", "nobody")
        with pytest.raises(AccessDenied):
            await nobody.commit(function)
        assert not peer.ledger.state
