"""Clustering anew in the background, once data have drifted far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from gridledger.lake.errors import LakeError
from gridledger.lake.index.index import Index
from gridledger.lake.index.swapping import Clusterer, local_modes

__all__ = ["Reclustering", "reclustering"]

_LOOK_S = 1.0


@dataclass(eq=False)
class Reclustering:
    """What was clustered anew in the background."""

    swaps: int = 0
    """How often new clusters were swapped in."""
    problem: LakeError | None = None
    """Why the last attempt failed; it is tried again."""


@contextmanager
def reclustering(
    index: Index, *, clusterer: Clusterer = local_modes, every_s: float = _LOOK_S
) -> Iterator[Reclustering]:
    """Cluster an index anew whenever its drift is due, in a thread, while the body runs.

    Parameters
    ----------
    index : Index
        Which queries and adds go on to use meanwhile.
    clusterer : callable
        Finds the modes: in this process, or on Spark.
    every_s : float, default 1
        How often the drift is looked at: it is read off the statistics at hand.

    Notes
    -----
    The body's end waits for a clustering that is under way. An error of the lake is kept and the next look
    tries again; any other ends the thread and is raised at the body's end.
    """
    ended = threading.Event()
    told = Reclustering()

    def look() -> None:
        while not ended.wait(every_s):
            try:
                if index.drift.is_due:
                    index.recluster(clusterer=clusterer)
                    told.swaps += 1
                told.problem = None
            except LakeError as error:
                told.problem = error

    with ThreadPoolExecutor(1, thread_name_prefix="index-recluster") as worker:
        running = worker.submit(look)
        try:
            yield told
        finally:
            ended.set()
        running.result()
