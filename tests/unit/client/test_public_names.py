"""What the package offers, and what none of it shows."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.fakes import CERTIFICATE, IDENTITY, KEY_PEM, SIGNER, FakeTransport, make_gateway

import gridledger.client as client
from gridledger.client import (
    Connection,
    Credentials,
    EcdsaSigner,
    OutcomeUnknown,
    Pem,
    RpcError,
    Wallet,
)
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import GatewayError, error_classes

MODULES = sorted(info.name for info in pkgutil.walk_packages(client.__path__, "gridledger.client."))


@pytest.mark.parametrize("name", ["gridledger.client", *MODULES])
def test_all_is_sorted_complete_and_importable(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__))
    for public in module.__all__:
        assert getattr(module, public) is not None


@pytest.mark.parametrize("name", MODULES)
def test_public_classes_and_functions_say_what_they_are(name: str) -> None:
    module = importlib.import_module(name)
    for public in module.__all__:
        value = getattr(module, public)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        assert value.__doc__, public
        for method, function in vars(value).items() if inspect.isclass(value) else ():
            if inspect.isfunction(function) and not method.startswith("_"):
                assert function.__doc__, f"{public}.{method}"


@pytest.mark.parametrize("name", ["gridledger.client", *MODULES])
def test_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_error_of_a_gateway_has_a_code_an_exit_code_and_a_place_in_the_tree() -> None:
    classes = [kind for kind in error_classes() if issubclass(kind, GatewayError)]
    assert [kind.code for kind in classes] == [f"GL-GTW-{number:03}" for number in range(1, 12)]
    tree = (Path(client.__path__[0]) / "errors.py").read_text().split('"""')[1]
    for kind in classes:
        assert 40 <= kind.exit_code <= 49
        assert f"{kind.__name__} " in tree
        assert kind.code in tree
    assert [kind.__name__ for kind in classes if kind.retriable] == ["CommitConflict", "EndorsementsDiffer"]
    assert not OutcomeUnknown.retriable


def secretive(tmp_path: Path) -> list[Any]:
    """Return everything that has to do with a private key."""
    key = Pem(KEY_PEM)
    connection = Connection(
        endpoint="h:1",
        msp_id="O",
        certificate=Pem(CERTIFICATE),
        private_key=key,
        tls_root_cert=Pem(CERTIFICATE),
        tls_client_certificate=Pem(CERTIFICATE),
        tls_client_key=key,
    )
    credentials = Credentials(msp_id="Org1MSP", certificate=CERTIFICATE, private_key=key)
    gateway = make_gateway(FakeTransport())
    wallet = Wallet(tmp_path)
    wallet.put("u", credentials)
    return [
        key,
        connection,
        credentials,
        wallet,
        wallet.get("u"),
        SIGNER,
        EcdsaSigner(KEY_PEM),
        SigningIdentity(IDENTITY, SIGNER),
        gateway,
        gateway._session,
        gateway.network().contract().proposal("Put", transient={"price": "TOP SECRET"}),
        RpcError("m", grpc_status="OK"),
    ]


def test_secrets_reach_no_repr(tmp_path: Path) -> None:
    body = "".join(KEY_PEM.decode().splitlines()[1:-1])
    for value in secretive(tmp_path):
        for shown in (repr(value), str(value), f"{value}", repr([value])):
            assert "PRIVATE" not in shown
            assert "TOP SECRET" not in shown
            assert body[:20] not in shown
