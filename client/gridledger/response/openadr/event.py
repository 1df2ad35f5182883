"""Demands as OpenADR events, and the programme that they belong to.

Source: OpenADR 3.1.0, the objects program and event; payloads SIMPLE and DISPATCH_SETPOINT_RELATIVE.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from gridledger.response.message import Demand
from gridledger.response.openadr.edition import Edition, ObjectType, targets_of
from gridledger.response.openadr.settings import OpenAdrSettings

__all__ = ["KWH", "PROGRAM_ID", "demand_id", "event_id", "event_of", "program_of", "time_text"]

PROGRAM_ID: Final = "demand-response"
KWH: Final = "KWH"
RELATIVE: Final = "DISPATCH_SETPOINT_RELATIVE"
SIMPLE: Final = "SIMPLE"

_LAST_MS: Final = 253_402_300_799_000
"""The end of the year 9999: no later time can be written."""
_FOUNDED_MS: Final = 0
"""The programme is as old as the server: it stands in no row."""


def event_id(demand: str) -> str:
    """Return the name of a demand's event, which knows no dot.

    Examples
    --------
    >>> event_id("peak_1.5"), demand_id(event_id("peak_1.5"))
    ('peak__1_-5', 'peak_1.5')
    """
    return demand.replace("_", "__").replace(".", "_-")


def demand_id(event: str) -> str:
    """Return the name of an event's demand."""
    return re.sub("__|_-", lambda found: "_" if found[0] == "__" else ".", event)


def time_text(time_ms: int) -> str:
    """Write a time as OpenADR does.

    Examples
    --------
    >>> time_text(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    seconds, rest = divmod(min(time_ms, _LAST_MS), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def program_of(settings: OpenAdrSettings, edition: Edition) -> dict[str, Any]:
    """Return the programme."""
    shown: dict[str, Any] = {
        "id": PROGRAM_ID,
        "createdDateTime": time_text(_FOUNDED_MS),
        "modificationDateTime": time_text(_FOUNDED_MS),
        "objectType": ObjectType.PROGRAM,
        "programName": settings.program,
        "payloadDescriptors": _descriptors(),
        "targets": None,
    }
    if edition is Edition.V3_0:
        shown |= {"programType": "LOAD_SHED", "bindingEvents": True}
    return shown


def event_of(
    demand: Demand, settings: OpenAdrSettings, edition: Edition, resources: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the event of a demand, as one VEN sees it.

    Parameters
    ----------
    demand : Demand
    settings : OpenAdrSettings
    edition : Edition
    resources : sequence of str, default ()
        The VEN's resources, which 3.0 names as the event's targets.
    """
    share_wh = demand.reduction_wh * settings.share_per_mille // 1000
    period = {
        "start": time_text(demand.start_ms),
        "duration": f"PT{demand.length_s}S",
        "randomizeStart": "PT0S",
    }
    targets = None
    if edition is Edition.V3_0 and resources:
        targets = [{"type": "RESOURCE_NAME", "values": list(resources)}]
    return {
        "id": event_id(demand.id),
        "createdDateTime": time_text(demand.published_ms),
        "modificationDateTime": time_text(demand.published_ms),
        "objectType": ObjectType.EVENT,
        "programID": PROGRAM_ID,
        "eventName": demand.id,
        "priority": 0,
        "targets": targets_of(targets, edition),
        "payloadDescriptors": _descriptors(),
        "reportDescriptors": [_wanted(kind) for kind in ("LOAD_SHED_DELTA_AVAILABLE", "USAGE")],
        "intervalPeriod": period,
        "intervals": [
            {
                "id": 0,
                "payloads": [
                    {"type": SIMPLE, "values": [1]},
                    {"type": RELATIVE, "values": [-share_wh / 1000]},
                ],
            }
        ],
    }


def _descriptors() -> list[dict[str, Any]]:
    kind = "EVENT_PAYLOAD_DESCRIPTOR"
    return [
        {"objectType": kind, "payloadType": SIMPLE},
        {"objectType": kind, "payloadType": RELATIVE, "units": KWH},
    ]


def _wanted(kind: str) -> dict[str, Any]:
    return {"payloadType": kind, "readingType": "DIRECT_READ", "units": KWH}
