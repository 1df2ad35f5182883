"""VENs of others, from PyPI as they are, against a server of demand response."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.prerequisites import missing

__all__ = ["take_part_by_3_0", "take_part_by_3_1"]

BASE = "openadr3"
SHED = "LOAD_SHED_DELTA_AVAILABLE"


def take_part_by_3_1(url: str, credentials: dict[str, Any]) -> str:
    """Answer the one event with the VEN of `openadr3`; return the event's name."""
    try:
        from openadr3.api import create_ven_client
        from openadr3.auth import fetch_token
    except ImportError as error:
        missing("openadr", f"the package openadr3 is not installed: {error}")
    base = f"{url}/{BASE}/3.1.0"
    token = fetch_token(base, credentials["client_id"], credentials["client_secret"])
    with create_ven_client(base, token) as ven:
        (program,) = ven.programs()
        (event,) = ven.events(programID=program.id)
        (interval,) = event.resolved_intervals()
        asked = next(one for one in interval.payloads if one.type == "DISPATCH_SETPOINT_RELATIVE")
        made = ven.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": "house"})
        assert made.status_code == 201, made.text
        found = ven.find_ven_by_name("house")
        assert found is not None
        resource = {"objectType": "VEN_RESOURCE_REQUEST", "resourceName": "meter", "venID": found.id}
        assert ven.create_resource(resource).status_code == 201
        payload = {"type": SHED, "values": [float(asked.values[0])]}
        intervals = [{"id": 0, "payloads": [payload]}]
        report = {
            "eventID": event.id,
            "clientName": "house",
            "resources": [{"resourceName": "meter", "intervals": intervals}],
        }
        taken = ven.create_report(report)
        assert taken.status_code == 201, taken.text
        assert ven.create_report(report).status_code == 409
        (kept,) = ven.reports(eventID=event.id)
        assert kept.client_id == credentials["client_id"]
    return str(event.id)


def take_part_by_3_0(url: str, credentials: dict[str, Any], folder: Path) -> int:
    """Read and report with the VEN of `oadr30-ven-ud`; return how many events it found."""
    try:
        from oadr30.config import OADR3Config
        from oadr30.ven import Resource
        from oadr30.vtn import VTNOps
    except ImportError as error:
        missing("openadr", f"the package oadr30-ven-ud is not installed: {error}")
    OADR3Config.ven_persistence_file = str(folder / "ven.json")
    vtn = VTNOps(
        base_url=f"{url}/{BASE}/3.0.1",
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
    )
    ven = vtn.create_ven(name="building", resources=[Resource()])
    assert ven, "the VEN was not made"
    (program,) = vtn.get_programs()
    events = vtn.get_events(program["id"])
    for event in events:
        # It tells False where it fails, and nothing where it does not.
        descriptors = event["reportDescriptors"]
        assert vtn.send_report(event.getId(), event.getProgramId(), ven, descriptors) is not False
    assert events.getTimeSeries()
    return len(events)
