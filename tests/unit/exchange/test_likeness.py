"""Identities that are alike: what is proposed, and what is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridledger.exchange.likeness import alike, normal_form
from gridledger.model.device import DeclaredIdentity, Device
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import IdentifierState


def serial(value: str) -> DeclaredIdentity:
    return DeclaredIdentity(scheme="serial", value=value)


def device(
    system: int, *identities: DeclaredIdentity, state: IdentifierState = IdentifierState.ACTIVE, at: int = 0
) -> Device:
    return Device(
        identifier=SystemIdentifier(f"88.1042.{system}").device(f"D{at}"),
        name="made",
        kind="inverter",
        identities=identities,
        fields=(),
        state=state,
        registered_ms=at,
    )


def test_same_number_written_otherwise_is_alike() -> None:
    forms = {normal_form(serial(text)) for text in ("SN-0012", "sn0012", "SN/12", "sn.12", "Sn_012")}
    assert forms == {"sn12"}


def test_numbers_do_not_run_together() -> None:
    assert normal_form(serial("1-23")) != normal_form(serial("12-3"))
    assert normal_form(serial("SN12")) != normal_form(serial("SN120"))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64))
def test_normal_form_is_its_own(text: str) -> None:
    form = normal_form(serial(text))
    assert not form or normal_form(serial(form)) == form


def test_alike_proposes_the_identity_of_the_first() -> None:
    later, first = device(1, serial("SN-0012"), at=2), device(2, serial("sn12"), at=1)

    (entry,) = alike([later, first])

    assert entry.identity == serial("sn12")
    assert {entry.devices.first, entry.devices.second} == {later.identifier, first.identifier}


def test_alike_leaves_out_what_needs_no_word() -> None:
    plant = DeclaredIdentity(scheme="plant", value="P1")
    one = device(1, serial("SN-0012"), plant)
    assert alike([one, device(1, serial("sn12"), at=1)]) == ()
    assert alike([one, device(2, serial("sn12"), plant)]) == ()
    assert alike([one, device(2, serial("sn12"), state=IdentifierState.REVOKED)]) == ()
    assert alike([one, device(2, DeclaredIdentity(scheme="code", value="sn12"))]) == ()
    assert alike([device(1, serial("1")), device(2, serial("01"))]) == ()
