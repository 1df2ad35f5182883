"""Names that client and chaincode share: unique, well-formed, fit for where they travel."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model import states
from gridledger.model.events import Event
from gridledger.model.keys import KeyPrefix
from gridledger.model.roles import CertificateAttribute, Role, read_roles, write_roles

STATES = [one for one in vars(states).values() if isinstance(one, type) and issubclass(one, StrEnum)]


@pytest.mark.parametrize("names", [Role, KeyPrefix, *(s for s in STATES if s is not StrEnum)])
def test_names_are_words_joined_by_hyphens(names: type[StrEnum]) -> None:
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name)] == []


@pytest.mark.parametrize("names", [Role, KeyPrefix, Event, CertificateAttribute])
def test_names_are_unique(names: type[StrEnum]) -> None:
    assert len({str(name) for name in names}) == len(names.__members__)


def test_event_names_are_words_in_capitals() -> None:
    assert [event for event in Event if not re.fullmatch(r"([A-Z][a-z]+)+", event)] == []


def test_attribute_names_are_those_that_certificates_carry() -> None:
    assert CertificateAttribute.ROLE == "gridledger.role"


@given(st.sets(st.sampled_from(Role)))
def test_roles_read_back(roles: set[Role]) -> None:
    assert read_roles(write_roles(roles)) == roles


@given(st.text())
def test_any_text_gives_known_roles_only(text: str) -> None:
    assert read_roles(text) <= set(Role)
    assert read_roles(f"{text},auditor") >= {Role.AUDITOR}


@pytest.mark.parametrize("text", ["", "Auditor", "auditor ", "AUDITOR", "auditor;agent", "auditors"])
def test_text_that_names_no_role_gives_none(text: str) -> None:
    assert read_roles(text) == frozenset()
