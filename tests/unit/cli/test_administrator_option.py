"""Who signs is named by an organisation of the folder, or by files."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gridledger.cli.administrator_option import with_administrator
from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial


@click.command()
@click.argument("what")
@with_network
@with_administrator
def sign(choice: NetworkChoice, signing: SigningIdentity, what: str) -> None:
    click.echo(f"{signing.identity.msp_id} {what} {choice.given}")


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Member:
    material = OrganisationMaterial.create(tmp_path_factory.mktemp("o"), "org1", OrganisationKind.PEER)
    return material.add_user("user1")


def test_administrator_is_named_by_files_and_needs_no_network(admin: Member, tmp_path: Path) -> None:
    options = [
        "--msp-id",
        "Org1MSP",
        "--certificate",
        str(admin.msp.certificate),
        "--key",
        str(admin.msp.key),
    ]
    result = CliRunner().invoke(sign, ["change", "--dir", str(tmp_path / "none"), *options])
    assert result.output == f"Org1MSP change {tmp_path / 'none'}\n"


@pytest.mark.parametrize("missing", ["--msp-id", "--certificate", "--key", "all"])
def test_incomplete_administrator_is_refused(admin: Member, missing: str) -> None:
    given = {"--msp-id": "Org1MSP", "--certificate": admin.msp.certificate, "--key": admin.msp.key}
    options = [
        str(part) for name, one in given.items() if missing not in (name, "all") for part in (name, one)
    ]
    result = CliRunner().invoke(sign, ["change", *options])
    assert isinstance(result.exception, ConfigError)
    assert "--msp-id with --certificate and --key" in str(result.exception)
