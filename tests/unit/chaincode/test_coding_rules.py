"""Coding rules: laid down by the aggregation system, kept per item."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import METER, Scene

from gridledger.model.change import DeviceMove
from gridledger.model.code_pattern import CodePattern
from gridledger.model.coding_rule import CodeForm, CodingRuleEntry
from gridledger.model.device import DeviceEntry
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.refusals import AccessDenied
from gridledger.model.registry_refusals import CodingRuleBroken
from gridledger.model.roles import Role

FORMS = (
    CodeForm(
        kind="meter", pattern=CodePattern("2050.{digit:2}.{digit:3}.BLK{digit:2}.PAD{digit:2}.MTR{digit:2}")
    ),
    CodeForm(kind="meter", pattern=CodePattern("MTR-{digit:1-4}")),
    CodeForm(kind="plant", pattern=CodePattern("R{digit:1-4}")),
)


def rule(scene: Scene, system: str = "monitoring") -> CodingRuleEntry:
    return CodingRuleEntry(
        system=scene.systems[system],
        data_type="15-minute readings",
        forms=FORMS,
        identifiers=27,
        growth_a_year=100,
    )


async def test_code_that_breaks_the_rule_is_refused_by_itself(scene: Scene) -> None:
    laid = await scene.aggregation.submit("registry:LayDownCodingRule", rule(scene))
    assert laid.version == 1
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]

    def entry(own_code: str, kind: str) -> DeviceEntry:
        return DeviceEntry(own_code=own_code, name=own_code, kind=kind)

    entries = (
        entry("MTR-7", "meter"),
        entry("MTR-12345", "meter"),
        entry("R7", "meter"),
        entry("R7", "plant"),
        entry("R8", "inverter"),
        entry(METER.replace("MTR01", "MTR02"), "meter"),
    )
    results = await party.once("registry:RegisterDevices", system, entries)

    assert [result.code for result in results] == [
        None,
        CodingRuleBroken.code,
        CodingRuleBroken.code,
        None,
        CodingRuleBroken.code,
        None,
    ]
    moves = (DeviceMove(device=system.device("MTR-7"), to=system.device("seven")),)
    (result,) = await party.once("registry:MoveDevices", system, moves)
    assert result.code == CodingRuleBroken.code


async def test_rules_count_versions_and_follow_a_new_prefix(scene: Scene) -> None:
    await scene.aggregation.submit("registry:LayDownCodingRule", rule(scene))
    again = await scene.aggregation.submit("registry:LayDownCodingRule", rule(scene))
    assert again.version == 2
    changed = await scene.auditor.submit("registry:ChangePrefix", scene.systems["monitoring"])

    kept = await scene.application.ask("registry:GetCodingRule", changed.identifier)

    assert (kept.version, kept.rule.system, kept.rule.forms) == (2, changed.identifier, FORMS)


async def test_rule_by_another_aggregation_system_or_for_an_application_is_refused(scene: Scene) -> None:
    rival = Party(scene.peer, "Org1MSP", "rival", Role.AGGREGATION_SYSTEM)
    with pytest.raises(NotTheAgent):
        await rival.submit("registry:LayDownCodingRule", rule(scene))
    with pytest.raises(AccessDenied):
        await scene.aggregation.submit("registry:LayDownCodingRule", rule(scene, "lifecycle"))
