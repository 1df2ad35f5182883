"""What VENs send: the parts of OpenADR 3 that a server of demand response takes, in both editions.

Members that are not named here are left out: an object is kept as far as it is understood.

Source: OpenADR 3.0.1 and 3.1.0, the objects report, subscription, ven and resource.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from gridledger.response.openadr.edition import ObjectType, Operation

__all__ = [
    "OBJECT_ID",
    "Interval",
    "IntervalPeriod",
    "ObjectOperation",
    "ReportPayloadDescriptor",
    "ReportRequest",
    "ReportResource",
    "ResourceRequest",
    "SubscriptionRequest",
    "ValuesMap",
    "VenRequest",
    "dumped",
]

OBJECT_ID: Final = r"^[a-zA-Z0-9_-]{1,128}$"
MAX_INTERVALS: Final = 1_000
"""Intervals of a report: as many as a message has records."""
MAX_LISTED: Final = 100
"""Entries of any other list."""

_DURATION: Final = (
    r"^(-?)P(?=\d|T\d)(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}[DW])?(T(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,9})?S)?)?$"
)

ObjectId = Annotated[str, StringConstraints(pattern=OBJECT_ID)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Text = Annotated[str, StringConstraints(max_length=1024)]
Number = Annotated[float, Field(allow_inf_nan=False)]


def _alias(name: str) -> str:
    """Return a member's name on the wire: `eventID`, not `eventId`."""
    camel = to_camel(name)
    return f"{camel[:-2]}ID" if camel.endswith("Id") else camel


class _Object(BaseModel):
    model_config = ConfigDict(
        alias_generator=_alias,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        regex_engine="python-re",
    )


class Point(_Object):
    """A place on a curve."""

    x: Number
    y: Number


class ValuesMap(_Object):
    """Values of a named type."""

    type: Name
    values: Annotated[list[bool | int | Number | Text | Point], Field(max_length=MAX_INTERVALS)]


class IntervalPeriod(_Object):
    """When an interval begins and how long it is."""

    start: AwareDatetime | None = None
    duration: Annotated[str, StringConstraints(pattern=_DURATION)] | None = None
    randomize_start: Annotated[str, StringConstraints(pattern=_DURATION)] | None = None


class Interval(_Object):
    """One interval of a report or an event."""

    id: Annotated[int, Field(ge=-(2**31), lt=2**31)]
    interval_period: IntervalPeriod | None = None
    payloads: Annotated[list[ValuesMap], Field(max_length=MAX_LISTED)]


class ReportPayloadDescriptor(_Object):
    """In which unit the values of a payload are."""

    payload_type: Name
    units: Name | None = None
    reading_type: Name | None = None
    accuracy: Number | None = None
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None


class ReportResource(_Object):
    """What a report says of one resource."""

    resource_name: Name
    interval_period: IntervalPeriod | None = None
    intervals: Annotated[list[Interval], Field(max_length=MAX_INTERVALS)]


Targets = Annotated[list[Name | ValuesMap], Field(max_length=MAX_LISTED)]
Attributes = Annotated[list[ValuesMap], Field(max_length=MAX_LISTED)]


class ReportRequest(_Object):
    """A report on an event."""

    program_id: ObjectId | None = None
    event_id: ObjectId
    client_name: Name
    report_name: Text | None = None
    payload_descriptors: Annotated[list[ReportPayloadDescriptor], Field(max_length=MAX_LISTED)] | None = None
    resources: Annotated[list[ReportResource], Field(max_length=MAX_LISTED)]


class ResourceRequest(_Object):
    """A device or system behind a VEN."""

    resource_name: Name
    ven_id: ObjectId | None = None
    attributes: Attributes | None = None
    targets: Targets | None = None


class VenRequest(_Object):
    """A virtual end node."""

    ven_name: Name
    attributes: Attributes | None = None
    targets: Targets | None = None
    resources: Annotated[list[ResourceRequest], Field(max_length=MAX_LISTED)] | None = None
    """Of 3.0 only."""


class ObjectOperation(_Object):
    """What a subscriber wants to be told, and where."""

    objects: Annotated[list[ObjectType], Field(max_length=MAX_LISTED)]
    operations: Annotated[list[Operation], Field(max_length=MAX_LISTED)]
    callback_url: Annotated[
        str, StringConstraints(min_length=2, max_length=8000, pattern=r"^https?://[!-~]+$")
    ]
    bearer_token: Annotated[str, StringConstraints(max_length=4096, pattern=r"^[!-~]*$")] | None = Field(
        default=None, repr=False
    )


class SubscriptionRequest(_Object):
    """A wish to be told of objects."""

    client_name: Name
    program_id: ObjectId | None = None
    object_operations: Annotated[list[ObjectOperation], Field(max_length=MAX_LISTED)]
    targets: Targets | None = None


def dumped(one: BaseModel) -> dict[str, Any]:
    """Return an object as it is kept: its members on the wire, those that were given."""
    return one.model_dump(mode="json", by_alias=True, exclude_unset=True)
