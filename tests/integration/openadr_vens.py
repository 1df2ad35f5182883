"""VENs of others, from PyPI as they are, against a server of demand response."""

from __future__ import annotations

from typing import Any

import pytest
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


async def take_part_by_3_0(url: str, credentials: dict[str, Any]) -> int:
    """Read and report with the VEN of `toadr3`; return how many events it found."""
    try:
        import toadr3
        from toadr3.models import Interval, Report, ReportData, ValuesMap
    except ImportError as error:
        missing("openadr", f"the package toadr3 is not installed: {error}")
    base = f"{url}/{BASE}/3.0.1"
    asked = {"client_id": credentials["client_id"], "client_secret": credentials["client_secret"]}
    config = toadr3.OAuthScopeConfig(f"{base}/auth/token", "client_credentials", "read_all", **asked)
    async with toadr3.ToadrClient(base, config) as ven:
        (program,) = await ven.get_programs()
        events = await ven.get_events(program_id=program.id)
        for event in events:
            payload = ValuesMap(type=SHED, values=[0.25])
            resource = ReportData(resource_name="boiler", intervals=[Interval(id=0, payloads=[payload])])
            report = Report(
                program_id=program.id, event_id=event.id, client_name="building", resources=[resource]
            )
            made = await ven.post_report(report)
            assert made.id
            with pytest.raises(toadr3.ToadrError, match="ObjectExists"):
                await ven.post_report(report)
        assert len(await ven.get_reports(event_id=events[0].id)) == 1
        assert await ven.get_program(program.id) == program
    return len(events)
