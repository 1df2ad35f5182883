"""Arguments that nobody sends in good faith: a coded refusal, nothing written, no defect."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import Scene

from gridledger.chaincode import GridLedger
from gridledger.model.errors import ContractError
from gridledger.model.refusals import DefectInContract
from gridledger.model.roles import Role

FUNCTIONS = {
    function.full_name: len(function.parameters)
    for name, functions in GridLedger().contracts.items()
    for function in functions
    if name != "org.hyperledger.fabric"
}
WORDS = st.sampled_from(
    [
        "'); DROP TABLE plant; --",
        "88.1042",
        "88.1042.1",
        "88.1042.1/R27",
        "88.1042.2/2050.15.003.BLK01.PAD01.MTR01#ac_power",
        "\x00device\x00",
        "\U0010ffff",
        "../../etc/passwd",
        "0" * 64,
        "-1",
        "9007199254740993",
    ]
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ARGUMENT = (
    st.binary(max_size=200)
    | WORDS.map(str.encode)
    | PLAIN.map(lambda value: json.dumps(value).encode("utf-8"))
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(function=st.sampled_from(sorted(FUNCTIONS)), data=st.data())
async def test_garbage_is_refused_and_writes_nothing(scene: Scene, function: str, data: Any) -> None:
    count = FUNCTIONS[function]
    arguments = data.draw(st.lists(ARGUMENT, min_size=count, max_size=count + 1))
    before = dict(scene.peer.ledger.state)
    somebody = Party(scene.peer, "Org1MSP", "somebody", *Role)
    harmless = function in {"ledger:CancelCall", "ledger:RenewTimeMark"}
    refusal: ContractError | None = None
    try:
        await somebody.commit(function, *arguments)
    except ContractError as error:
        refusal = error

    assert refusal is None or refusal.code.startswith("GL-CHN-")
    assert not isinstance(refusal, DefectInContract), refusal
    assert scene.peer.ledger.state == before or (refusal is None and harmless)
