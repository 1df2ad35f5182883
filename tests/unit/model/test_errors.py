"""The error tree: codes, exit codes and statuses of every class."""

from __future__ import annotations

import importlib
import pkgutil
import re
from types import ModuleType
from typing import Any

import pytest

import gridledger.model
from gridledger.model import refusals
from gridledger.model.errors import ContractError, GridLedgerError, ModelError, error_classes

MODULES: list[ModuleType] = [
    importlib.import_module(f"gridledger.model.{info.name}")
    for info in pkgutil.iter_modules(gridledger.model.__path__)
    if info.name.endswith("refusals")
]
REFUSALS = [cls for cls in error_classes() if issubclass(cls, ContractError)]


def test_codes_are_unique_and_in_order() -> None:
    codes = [cls.code for cls in error_classes()]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("cls", REFUSALS, ids=lambda cls: cls.__name__)
def test_refusal_has_a_status_an_exit_code_and_is_exported(cls: type[ContractError]) -> None:
    assert 400 <= cls.status < 600
    assert 10 <= cls.exit_code < 30
    assert cls.__doc__
    if cls is not ContractError and cls.__module__.startswith("gridledger.model."):
        assert any(cls.__name__ in module.__all__ for module in MODULES)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"code": "GL-CHN-1"}, "out of its family"),
        ({"code": "GL-XYZ-900"}, "out of its family"),
        ({"code": "GL-CHN-900", "exit_code": 40}, "out of its family"),
        ({"code": "GL-CHN-005"}, "is taken by NotFound"),
        ({"code": "GL-CHN-901", "status": 200}, "status 200"),
        ({"status": 600}, "status 600"),
    ],
)
def test_class_out_of_the_rules_is_refused(members: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        type("Wrong", (ContractError,), members)


def test_class_without_a_code_of_its_own_shares_its_parents() -> None:
    class Special(ModelError):
        pass

    assert Special({"a": "b"}).code == "GL-MOD-001"


def test_text_of_an_error_begins_with_its_code() -> None:
    assert str(ModelError({"a": "b", "": "c"}, subject="Thing")) == "GL-MOD-001 Thing: a: b; c"
    assert str(ContractError("m", contract="trade")) == "GL-CHN-001 trade: m"
    assert str(ContractError("m")) == "GL-CHN-001 m"
    assert str(GridLedgerError("m")) == "m"


@pytest.mark.parametrize(
    "module", [one for one in MODULES if one is not refusals], ids=lambda one: one.__name__.rpartition(".")[2]
)
def test_refusals_document_every_code_once(module: ModuleType) -> None:
    listed = re.findall(r"^(\d{3}) (\w+)", module.__doc__ or "", re.MULTILINE)
    assert {(f"GL-CHN-{number}", name) for number, name in listed} == {
        (cls.code, cls.__name__) for cls in REFUSALS if cls.__module__ == module.__name__
    }
