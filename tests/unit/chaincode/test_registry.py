"""The contract `registry`: what it grants and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import METER, PASSED, PLANT, ROOT, Scene, field_entry, profile

from gridledger.model.device import DeviceApproval, DeviceEntry, StandardEntry
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import CheckNotPassed, NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.refusals import (
    AccessDenied,
    AlreadyExists,
    BadArgument,
    CallRepeated,
    ClaimedTimeRefused,
    Conflict,
    LimitExceeded,
    NotFound,
)
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState, IdentifierState
from gridledger.model.system import SystemCheck, SystemKind

SQL = "'); DROP TABLE plant; --"


async def apply(scene: Scene, name: str = "monitoring") -> str:
    application = await scene.owners[name].once(
        "registry:RegisterSystem", ROOT, profile(SystemKind.BUSINESS_SYSTEM, name)
    )
    return str(application.id)


async def test_establish_second_on_a_root_is_refused(empty: Scene) -> None:
    await empty.establish()
    rival = Party(empty.peer, "Org2MSP", "rival", Role.AGGREGATION_SYSTEM)

    with pytest.raises(AlreadyExists):
        await rival.submit("registry:Establish", ROOT, profile(SystemKind.AGGREGATION_SYSTEM, "rival"))


async def test_approve_checked_application_gives_the_next_identifier_and_an_account(empty: Scene) -> None:
    await empty.establish()
    first = await empty.register(empty.owners["monitoring"], SystemKind.BUSINESS_SYSTEM)
    second = await empty.register(empty.owners["construction"], SystemKind.BUSINESS_SYSTEM)

    assert (str(first), str(second)) == ("88.1042.1", "88.1042.2")
    system = await empty.auditor.ask("registry:GetSystem", first)
    assert (system.state, system.credit, system.root) == (IdentifierState.ACTIVE, PASSED.credit, ROOT)
    assert system.agent.subject == "monitoring"


@pytest.mark.parametrize(
    "check",
    [
        None,
        replace(PASSED, enterprise_found=False),
        replace(PASSED, server_answered=False),
        replace(PASSED, credit=59),
    ],
)
async def test_approve_without_a_passed_check_is_refused(empty: Scene, check: SystemCheck | None) -> None:
    await empty.establish()
    application = await apply(empty)
    if check is not None:
        await empty.aggregation.submit("registry:DepositCheck", application, check)

    with pytest.raises(CheckNotPassed):
        await empty.auditor.submit("registry:ApproveSystem", application)


async def test_approve_by_another_organisations_auditor_is_refused(empty: Scene) -> None:
    await empty.establish()
    application = await apply(empty)
    await empty.aggregation.submit("registry:DepositCheck", application, PASSED)
    foreign = Party(empty.peer, "Org2MSP", "auditor", Role.AUDITOR)

    with pytest.raises(AccessDenied, match="not the platform"):
        await foreign.submit("registry:ApproveSystem", application)


async def test_check_by_another_aggregation_system_is_refused(empty: Scene) -> None:
    await empty.establish()
    application = await apply(empty)
    rival = Party(empty.peer, "Org1MSP", "rival", Role.AGGREGATION_SYSTEM)

    with pytest.raises(NotTheAgent):
        await rival.submit("registry:DepositCheck", application, PASSED)


async def test_reject_then_apply_again(empty: Scene) -> None:
    await empty.establish()
    application = await apply(empty)
    rejected = await empty.auditor.submit("registry:RejectSystem", application, "no such company")
    assert rejected.state is ApplicationState.REJECTED
    with pytest.raises(Conflict):
        await empty.auditor.submit("registry:ApproveSystem", application)

    assert await apply(empty) == application


async def test_apply_twice_with_one_key_is_refused(empty: Scene) -> None:
    await empty.establish()
    await apply(empty)

    with pytest.raises(AlreadyExists):
        await apply(empty)


async def test_apply_repeated_call_key_happens_once(empty: Scene) -> None:
    await empty.establish()
    party = empty.owners["monitoring"]
    wanted = profile(SystemKind.BUSINESS_SYSTEM, "monitoring")
    done = await party.commit("registry:RegisterSystem", "key-1", ROOT, wanted)

    with pytest.raises(CallRepeated) as caught:
        await party.commit("registry:RegisterSystem", "key-1", ROOT, wanted)

    assert caught.value.tx_id == done.tx_id


async def test_apply_as_another_kind_than_the_role_is_refused(empty: Scene) -> None:
    await empty.establish()

    with pytest.raises(AccessDenied):
        await empty.owners["monitoring"].once(
            "registry:RegisterSystem", ROOT, profile(SystemKind.DATA_APPLICATION, "monitoring")
        )


async def test_time_far_from_the_mark_is_refused(empty: Scene) -> None:
    await empty.establish()
    empty.peer.time_ms += 200_000

    with pytest.raises(ClaimedTimeRefused):
        await apply(empty)


async def test_register_devices_gives_a_result_per_item(empty: Scene) -> None:
    await empty.establish()
    party = empty.owners["monitoring"]
    system = await empty.register(party, SystemKind.BUSINESS_SYSTEM)

    def entry(own_code: str) -> DeviceEntry:
        return DeviceEntry(own_code=own_code, name="meter", kind="meter", identities=(PLANT,))

    results = await party.once(
        "registry:RegisterDevices", system, tuple(map(entry, (METER, SQL, METER, "", "x" * 200)))
    )

    assert [result.code for result in results] == [
        None,
        None,
        AlreadyExists.code,
        BadArgument.code,
        BadArgument.code,
    ]
    assert results[0].identifier == f"{system}/{METER}"
    device = await party.ask("registry:GetDevice", results[1].identifier)
    assert device.identifier.own_code == SQL
    assert device.state is IdentifierState.ALLOCATED
    page = await party.ask("registry:ListDevices", system, "")
    assert len(page.devices) == 2


async def test_register_devices_of_another_system_is_refused(empty: Scene) -> None:
    await empty.establish()
    system = await empty.register(empty.owners["monitoring"], SystemKind.BUSINESS_SYSTEM)
    entry = DeviceEntry(own_code="x", name="x", kind="meter")

    with pytest.raises(NotTheAgent):
        await empty.owners["construction"].once("registry:RegisterDevices", system, (entry,))


@pytest.mark.parametrize(("count", "refusal"), [(0, BadArgument), (2001, LimitExceeded)])
async def test_register_devices_too_few_or_too_many_is_refused(
    empty: Scene, count: int, refusal: type[Exception]
) -> None:
    await empty.establish()
    party = empty.owners["monitoring"]
    system = await empty.register(party, SystemKind.BUSINESS_SYSTEM)
    entries = tuple(DeviceEntry(own_code=f"{i}", name="x", kind="meter") for i in range(count))

    with pytest.raises(refusal):
        await party.once("registry:RegisterDevices", system, entries)


async def test_approve_devices_makes_active_once(scene: Scene) -> None:
    again = DeviceApproval(device=scene.device("monitoring"), evidence=Digest.of(b"again"))
    unknown = DeviceApproval(device=scene.systems["monitoring"].device("unknown"), evidence=Digest.of(b"?"))
    foreign = DeviceApproval(device=SystemIdentifier("99.1.1").device("x"), evidence=Digest.of(b"?"))

    results = await scene.auditor.submit("registry:ApproveDevices", ROOT, (again, unknown, foreign))

    assert [result.code for result in results] == ["GL-CHN-022", NotFound.code, AccessDenied.code]
    device = await scene.auditor.ask("registry:GetDevice", scene.device("monitoring"))
    assert device.evidence == Digest.of(b"seen")


async def test_register_fields_needs_the_device_and_a_new_name(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    entries = (
        field_entry(METER, "ac_power", Frequency.DAY),
        field_entry("unknown", "ac_power", Frequency.DAY),
        field_entry(METER, "temperature", Frequency.DAY),
        field_entry(METER, "temperature", Frequency.DAY),
    )

    results = await party.once("registry:RegisterFields", system, entries)

    assert [result.code for result in results] == [
        AlreadyExists.code,
        NotFound.code,
        None,
        AlreadyExists.code,
    ]
    device = await party.ask("registry:GetDevice", scene.device("monitoring"))
    assert device.fields == ("ac_power", "irradiance", "temperature")


async def test_set_charging_standard_counts_versions_and_keeps_to_its_system(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    own = StandardEntry(field=scene.device("monitoring").field("ac_power"), price_milliyuan=9)
    foreign = StandardEntry(field=scene.device("construction").field("dc_size"), price_milliyuan=9)

    results = await party.once("registry:SetChargingStandards", system, (own, foreign, own))

    assert [result.code for result in results] == [None, NotTheAgent.code, AlreadyExists.code]
    standard = await party.ask("registry:GetChargingStandard", own.field)
    assert (standard.version, standard.price_milliyuan) == (2, 9)


async def test_charging_standard_set_ahead_holds_from_its_day_on(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    field = scene.device("monitoring").field("ac_power")
    begins_ms = scene.peer.time_ms + 60_000
    ahead = StandardEntry(
        field=field, price_milliyuan=9, valid_from_ms=begins_ms, valid_until_ms=begins_ms + 30_000
    )
    over = replace(ahead, field=scene.device("monitoring").field("irradiance"), valid_from_ms=None)
    over = replace(over, valid_until_ms=scene.peer.time_ms - 1)
    results = await party.once("registry:SetChargingStandards", system, (ahead, over))
    assert [result.code for result in results] == [None, BadArgument.code]

    async def price() -> int | None:
        decided = await scene.application.ask("resolution:Decide", scene.request())
        prices = {one.field: one.price_milliyuan for target in decided.targets for one in target.fields}
        return prices.get(field)

    standard = await party.ask("registry:GetChargingStandard", field)
    assert (standard.version, standard.earlier.version) == (2, 1)
    assert await price() == 1200
    scene.peer.time_ms = begins_ms
    assert await price() == 9
    scene.peer.time_ms = begins_ms + 30_000
    assert await price() is None


async def test_each_item_of_a_full_batch_is_done_or_refused_by_itself(empty: Scene) -> None:
    await empty.establish()
    party = empty.owners["monitoring"]
    system = await empty.register(party, SystemKind.BUSINESS_SYSTEM)
    taken = (DeviceEntry(own_code="M-0", name="x", kind="meter"),)
    await party.once("registry:RegisterDevices", system, taken)
    codes = [f"M-{number}" if number % 5 else "." for number in range(2000)]
    codes[1000] = "M-0"
    codes[1999] = "M-1"
    entries = tuple(DeviceEntry(own_code=code, name="x", kind="meter") for code in codes)

    results = await party.once("registry:RegisterDevices", system, entries)

    expected = [BadArgument.code if code == "." else None for code in codes]
    expected[1000] = expected[1999] = AlreadyExists.code
    assert [result.item for result in results] == codes
    assert [result.code for result in results] == expected
    assert all((result.identifier is None) == (result.code is not None) for result in results)
    for number in (1, 2, 999, 1998):
        known = await party.ask("registry:GetDevice", system.device(f"M-{number}"))
        assert known.state is IdentifierState.ALLOCATED
