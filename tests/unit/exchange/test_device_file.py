"""Lists of devices in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridledger.exchange.device_file import read_devices
from gridledger.model.device import ObjectClass
from gridledger.model.errors import ConfigError
from gridledger.model.states import IdentifierState

HEADER = "own_code,name,kind,identities,description,region,object_class,state\n"


def test_csv_and_json_read_alike(tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text(
        f"{HEADER}2050.15,Meter 27,meter,plant=R27;serial=7,,Jinhua,,\nR27,泵站,pv-plant,,,,plant,planned\n",
        "utf-8",
    )
    listed = tmp_path / "devices.json"
    listed.write_text(
        json.dumps(
            [
                {
                    "own_code": "2050.15",
                    "name": "Meter 27",
                    "kind": "meter",
                    "identities": ["plant=R27", "serial=7"],
                    "region": "Jinhua",
                },
                {
                    "own_code": "R27",
                    "name": "泵站",
                    "kind": "pv-plant",
                    "object_class": "plant",
                    "state": "planned",
                },
            ]
        ),
        "utf-8",
    )

    meter, plant = read_devices(table)

    assert (meter, plant) == read_devices(listed)
    assert [str(one) for one in meter.identities] == ["plant=R27", "serial=7"]
    assert (plant.object_class, plant.state) == (ObjectClass.PLANT, IdentifierState.PLANNED)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.csv", "own_code,name\nx,y\n", "0.kind"),
        ("a.csv", f"{HEADER}x,y,Kind,,,,,\n", "row 1"),
        ("a.csv", f"{HEADER}x,y,meter,R27,,,,\n", "row 1"),
        ("a.csv", f"{HEADER}x,y,meter,,,,,active\n", "row 1"),
        ("a.csv", "own_code,name,kind,colour\nx,y,meter,red\n", "0.colour"),
        ("a.json", "{", "file"),
        ("a.json", "7", "0"),
    ],
)
def test_wrong_list_is_refused_by_its_place(tmp_path: Path, name: str, text: str, where: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigError) as caught:
        read_devices(path)

    assert caught.value.fields["key"] == where


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_devices(tmp_path / "none.csv")
