"""A year of 17 real houses replayed under a programme's rule, with faults: figures, and a picture.

python -m tests.bench.response_scene --out FOLDER [--programmes us_program_data.csv] [--programme NAME]
    [--houses 17] [--hours 8760] [--faults 0.002] [--seed 7] [--work /dev/shm]

`--programmes` is the table of dr-programs (doi 10.25740/ck480bd0124): the programme's season, days and hours
are read from it; without it, those of Peak Partner Rewards stand here. Databases lie in --work: in memory
where there is such a folder, since programs are killed here and the machine is not.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.unit.response.replay import Replay
from tests.unit.response.test_replay import PEAK_PARTNER

from gridledger.response.server.chart import draw_report
from gridledger.response.server.programme import ProgrammeRule

_MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)


def read_programme(path: Path, name: str) -> ProgrammeRule:
    """Read a programme's terms; what its table leaves open stays as the rule has it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        row = next(one for one in csv.DictReader(file) if one["program"].strip().startswith(name))
    columns = {"first_month": "sm", "last_month": "em", "start_hour": "start_time", "end_hour": "end_time",
               "events_daily": "events_daily", "max_events": "max_events"}  # fmt: skip
    terms = {
        term: int(float(row[column])) for term, column in columns.items() if row[column].strip() != "n/a"
    }
    return replace(PEAK_PARTNER, programme=name, weekdays=row["dow"].strip() == "weekdays", **terms)


def main() -> int:
    """Replay, check, print the figures, and write report.json and report.svg."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--programmes", type=Path)
    parser.add_argument("--programme", default="Peak Partner Rewards")
    parser.add_argument("--houses", type=int, default=17)
    parser.add_argument("--hours", type=int, default=8_760)
    parser.add_argument("--faults", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, default=_MEMORY if _MEMORY.is_dir() else None)
    given = parser.parse_args()
    rule = PEAK_PARTNER if given.programmes is None else read_programme(given.programmes, given.programme)
    given.out.mkdir(parents=True, exist_ok=True)
    began, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        replay = Replay(
            Path(folder), rule, houses=given.houses, hours=given.hours, faults=given.faults, seed=given.seed
        )
        asyncio.run(replay.run())
        account = replay.account()
        found = replay.report()
        replay.close()
    rows = [
        {"demand": demand.id, "asked_wh": demand.reduction_wh, "site": one.site,
         "promised_wh": one.promised_wh, "baseline_wh": one.baseline_wh, "actual_wh": one.actual_wh,
         "reduced_wh": one.reduced_wh}
        for demand, performances in found
        for one in performances
    ]  # fmt: skip
    (given.out / "report.json").write_text(json.dumps(rows, indent=1))
    (given.out / "report.svg").write_text(draw_report(found))
    figures = {
        "rule": str(rule), "houses": given.houses, "hours": given.hours,
        "readings": given.houses * given.hours,
        "demands": len(found), "answers": sum(one["promised_wh"] is not None for one in rows),
        "messages and calls lost": replay.lost, "messages doubled": replay.doubled,
        "programs killed": replay.killed,
        "records accepted": account.accepted, "records lost": account.lost, "doubled": account.doubled,
        "out of order": account.disordered, "both sides agree": account.agreed,
        "seconds": round(time.perf_counter() - began), "seconds of CPU": round(time.process_time() - used),
    }  # fmt: skip
    text = json.dumps(figures, indent=1)
    (given.out / "figures.json").write_text(text)
    print(text)
    return 0 if account.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
