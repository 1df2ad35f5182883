"""Records and batches as people and programs see them."""

from __future__ import annotations

import io
import json

import click
import pytest

from gridledger.cli.output import Output
from gridledger.cli.record_view import show_items, show_record, show_records, show_rows
from gridledger.cli.selector_argument import parse_selectors
from gridledger.model.device import DeclaredIdentity, ItemResult
from gridledger.model.errors import FieldValue, ModelError
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import DevicesRegistered
from gridledger.model.resolution import Rule
from gridledger.model.system import ApplicationUser
from gridledger.model.trade import Order, OrderLine

USER = ApplicationUser(
    application=SystemIdentifier("88.1042.3"), name="worker-7", roles=("a", "b"), registered_ms=1
)
GOOD = ItemResult(item="R27", identifier="88.1042.1/R27")
BAD = ItemResult(item="R28", code="GL-CHN-006", message="there is a device already")


def shown(*, as_json: bool) -> tuple[Output, io.StringIO]:
    stream = io.StringIO()
    output = Output(stream=stream, errors=io.StringIO())
    if as_json:
        output.use_json()
    return output, stream


def test_record_is_whole_for_programs_and_short_for_people() -> None:
    output, stream = shown(as_json=True)
    show_record(output, USER)
    assert json.loads(stream.getvalue()) == USER.to_value()

    output, stream = shown(as_json=False)
    show_record(output, USER)
    assert "a, b" in stream.getvalue()
    assert "application-user/1" not in stream.getvalue()


def test_records_show_members_of_parts_by_dotted_names() -> None:
    registered = DevicesRegistered(
        system=SystemIdentifier("88.1042.1"),
        count=1,
        shared=(DeclaredIdentity(scheme="plant", value="R27"),),
    )
    output, stream = shown(as_json=False)
    show_records(output, [registered], ("system", "count"))
    assert "88.1042.1" in stream.getvalue()


def test_lists_of_parts_are_shown_as_people_read_them() -> None:
    system = SystemIdentifier("88.1042.2")
    rule = Rule(
        application=SystemIdentifier("88.1042.3"),
        function="maintenance",
        version=1,
        selectors=parse_selectors(["88.1042.1#ac_power", "88.1042.2#dc_size"]),
        set_ms=1,
    )
    field = system.device("R27").field("dc_size")
    order = Order(
        id="1" * 64,
        application=rule.application,
        resolution="2" * 64,
        lines=(OrderLine(system=system, fields=(field,), amount_milliyuan=1150),),
        placed_ms=1,
        deadline_ms=2,
    )
    output, stream = shown(as_json=False)
    show_record(output, rule)
    show_record(output, order)
    assert "88.1042.1#ac_power, 88.1042.2#dc_size" in stream.getvalue()
    assert "system 88.1042.2, fields 88.1042.2/R27#dc_size, amount_milliyuan 1150" in stream.getvalue()


def test_items_accepted_end_well_and_refused_end_with_1() -> None:
    output, stream = shown(as_json=False)
    show_items(output, [GOOD])
    assert "accepted" in stream.getvalue()

    output, stream = shown(as_json=False)
    with pytest.raises(click.exceptions.Exit) as caught:
        show_items(output, [GOOD, BAD])
    assert caught.value.exit_code == 1
    assert "GL-CHN-006 there is a device already" in stream.getvalue()

    output, stream = shown(as_json=True)
    with pytest.raises(click.exceptions.Exit):
        show_items(output, [GOOD, BAD])
    assert json.loads(stream.getvalue()) == [GOOD.to_value(), BAD.to_value()]


@pytest.mark.parametrize("text", ["", "88.1042.2", "#name", "88.1042.2#", "x#name", "88.1042.2#a b"])
def test_selector_malformed_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        parse_selectors([text])


def test_columns_of_one_last_name_are_headed_by_their_whole_names() -> None:
    output, stream = shown(as_json=False)
    row: FieldValue = {"asker": "node", "granted": {"count": 3}, "received": {"count": 2}}
    show_rows(output, [row], ("asker", "granted.count", "received.count"))
    assert "granted count" in stream.getvalue()
    assert "received count" in stream.getvalue()
