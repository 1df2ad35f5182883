"""docs/scale.md: every figure is what the recorded data give, and what was simulated comes out again."""

from __future__ import annotations

import json
import re

import pytest
from tests.bench.scale_channel import utilisation
from tests.bench.scale_document import DOCUMENT, Sources, render
from tests.bench.scale_load import offered, units_a_year
from tests.bench.scale_plot import write_simulation_plot, write_slopes_plot
from tests.bench.scale_recorded import Recorded
from tests.bench.scale_simulation import (
    DEVICES,
    Variant,
    capacity,
    channels_wanted,
    federation,
    point,
    read_points,
    sites_of,
)

from gridledger.model.errors import ModelError


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources.read()


def test_the_document_is_what_the_recorded_data_give(sources: Sources) -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text == render(text, sources), "call python -m tests.bench.scale_document"


def test_outside_its_marks_the_document_states_no_measured_figure() -> None:
    prose = re.sub(r"<!-- ([a-z]+) -->.*?<!-- /\1 -->", "", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    assert re.findall(r"\d+(?:\.\d+)? ?(?:ms|us|bytes|tx/s|yuan|TB|GiB|%)", prose) == ["32 bytes"]


def test_a_mark_that_names_nothing_is_refused(sources: Sources) -> None:
    with pytest.raises(KeyError):
        render("<!-- unheard -->\n<!-- /unheard -->", sources)


@pytest.mark.parametrize("variant", [Variant.REGIONS, Variant.FABRIC_X])
def test_what_was_simulated_comes_out_again(sources: Sources, variant: Variant) -> None:
    recorded = {(one.variant, one.devices): one for one in read_points(json.dumps(sources.simulated))}
    assert set(recorded) == {(each, devices) for each in Variant for devices in DEVICES}
    again = point(sources.load, sources.slopes, variant, 10**6)
    kept = recorded[variant, 10**6]
    assert (again.resource, again.channels) == (kept.resource, kept.channels)
    assert again.utilisation == pytest.approx(kept.utilisation, rel=1e-3)
    if kept.p95_ms is not None:
        assert again.p95_ms == pytest.approx(kept.p95_ms, rel=1e-3)


def test_a_channel_at_its_capacity_is_used_up_and_channels_keep_their_share(sources: Sources) -> None:
    load, slopes = sources.load, sources.slopes
    for variant in (Variant.ALONE, Variant.ONE):
        devices, resource = capacity(load, slopes, variant)
        offers = offered(load, slopes, devices, batched=variant is Variant.ONE)
        used = utilisation(sites_of(load, variant), slopes.blocks, offers)
        assert used[resource] == max(used.values()) == pytest.approx(1)
    for devices in DEVICES:
        channels = channels_wanted(load, slopes, devices)
        offers = offered(load, slopes, devices / channels, regional=True)
        used = utilisation(sites_of(load, Variant.CHANNELS), slopes.blocks, offers)
        assert max(used.values()) <= load.machines.used_share * (1 + 1e-9)
        assert channels >= load.regions.count


def test_batches_and_channels_carry_more_devices(sources: Sources) -> None:
    load, slopes = sources.load, sources.slopes
    alone, one, region = (
        capacity(load, slopes, each)[0] for each in (Variant.ALONE, Variant.ONE, Variant.REGIONS)
    )
    assert alone < one <= region
    rate, used = federation(load, slopes)
    assert rate > 0
    assert used < 1


def test_units_of_a_year_follow_the_stated_load(sources: Sources) -> None:
    load = sources.load
    once, twice = (units_a_year(load, devices) for devices in (10**6, 2 * 10**6))
    assert all(twice[one] == pytest.approx(2 * once[one]) for one in once)
    deposits = sum(one.share * one.fields * one.deposits_a_field_a_year for one in load.device_types)
    assert once["deposit"] == pytest.approx(1e6 * deposits)  # type: ignore[index]


def test_plots_name_what_they_show(sources: Sources) -> None:
    slopes = write_slopes_plot(sources.slopes)
    assert all(name in slopes for name in ("device", "envelope", "query"))
    simulated = write_simulation_plot(read_points(json.dumps(sources.simulated)))
    assert all(each.value.replace("'", "&#x27;") in simulated or each.value in simulated for each in Variant)


def test_figures_of_other_benchmarks_are_read_or_missed() -> None:
    recorded = Recorded.read()
    assert 0 < recorded.lake_stored_share < 1
    assert recorded.spark_s[0] < recorded.spark_s[1]
    assert all(
        one.rate > 0 for one in (recorded.client, recorded.queries, recorded.orders, recorded.envelopes)
    )
    with pytest.raises(ModelError):
        Recorded.read("# Benchmarks\n")
