"""The configuration file of a business system."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gridledger.exchange.demo.configuration import set_up_system
from gridledger.exchange.demo.made import made_enterprise, made_price, write_register
from gridledger.exchange.demo.systems import METER, system_named
from gridledger.exchange.enterprise_register import FileRegister
from gridledger.exchange.settings import BusinessSettings, parse_identity
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.period import Frequency


@pytest.fixture
def config(tmp_path: Path) -> Path:
    connection: Any = SimpleNamespace(
        endpoint="127.0.0.1:1",
        msp_id="Org2MSP",
        certificate="cert.pem",
        private_key="key.pem",
        tls_root_cert=None,
        tls_host_override=None,
        channel="energy",
        chaincode="gridledger",
    )
    folder = tmp_path / "monitoring"
    return set_up_system(system_named("monitoring"), folder, "88.1042", connection, {"Org1MSP": tmp_path})


def test_settings_of_the_demo_are_read(config: Path) -> None:
    settings = BusinessSettings.from_file(config)

    assert settings.database.file == config.parent / "data.db"
    assert (settings.devices[0].own_code, str(settings.devices[0].identities[0])) == (METER, "plant=R27")
    power = settings.fields["ac_power"]
    assert (power.metadata.frequency, power.source.value) == (Frequency.DAY, "ac_power_kw")
    assert power.entry(METER).price_milliyuan == power.price_milliyuan == 2_350
    assert settings.server.margin_s == 300
    assert settings.profile("http://127.0.0.1:1").server == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('root = "88.1042"', "", "root"),
        ('root = "88.1042"', 'root = "x"', ""),
        ('frequency = "day"', 'frequency = "hour"', "frequency"),
        ('time = "measured_at"', "", "time"),
        ('price = "2.35"', 'price = "2,35"', ""),
        ('table = "reading"', 'table = ""', "table"),
        ('table = "reading"', 'table = "reading\\n"', "table"),
        ('table = "reading"', f'table = "{"x" * 64}"', "table"),
        ('database = "data.db"', 'database = "mysql://reader:hidden@db.example/x"', "database"),
        ('database = "data.db"', 'database = "data.db"\nstatement_s = 0', "statement_s"),
        ('name = "energy"', 'name = "ac_power"', "field.name"),
        ('kind = "meter"', 'kind = "meter"\nsurprise = 1', "device.0.surprise"),
        ("identities = [", "identities = 5 #", "identities"),
        ("[network]", "[network", "config"),
        ('region = "', 'regions = "', "system.enterprise.region"),
    ],
)
def test_settings_that_are_wrong_are_refused_by_key(config: Path, old: str, new: str, key: str) -> None:
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        BusinessSettings.from_file(config)

    assert key in str(caught.value)


def test_settings_without_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        BusinessSettings.from_file(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ["plant", "=R27", "plant=", "Plant=R27", "plant=a b"])
def test_identity_malformed_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        parse_identity(text)


def test_made_things_say_so_and_repeat() -> None:
    made = made_enterprise("monitoring")

    assert "made" in made.enterprise.name
    assert made == made_enterprise("monitoring") != made_enterprise("construction")
    assert made_price("monitoring", "ac_power") == "2.35"


async def test_register_knows_made_enterprises_by_all_details(tmp_path: Path) -> None:
    write_register(tmp_path / "register.json", ["monitoring"])
    register = FileRegister(tmp_path / "register.json")
    known = made_enterprise("monitoring")

    assert register.made
    assert await register.credit(known.enterprise) == known.credit
    for details in ({"name": "another"}, {"region": "another"}, {"code": "91330700AAAAAAAAA1"}):
        assert await register.credit(replace(known.enterprise, **details)) is None
    assert await register.credit(made_enterprise("construction").enterprise) is None


@pytest.mark.parametrize(
    "text", ["", "[]", '{"made": 1, "enterprises": []}', '{"made": true, "enterprises": [{}]}']
)
def test_register_malformed_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "register.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        FileRegister(path)
