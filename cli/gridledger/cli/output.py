"""What commands say: text for people or JSON for programs, from the same values."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    # Both are slow to import: JSON does without rich, and help without model.
    from rich.console import Console, RenderableType

    from gridledger.model.errors import FieldValue, GridLedgerError

__all__ = ["Output", "fields", "table"]

_PIPE_WIDTH = 200
"""Columns where nobody says how wide the terminal is: lines in a pipe are not to be folded."""


class Output:
    """Where a command's results go; commands print nothing by themselves.

    Parameters
    ----------
    stream : TextIO, optional
        For results; standard output by default.
    errors : TextIO, optional
        For errors and progress; standard error by default.

    Examples
    --------
    >>> output = Output(stream=sys.stdout)
    >>> output.use_json()
    >>> output.show({"height": 7})
    {
      "height": 7
    }
    """

    def __init__(self, *, stream: TextIO | None = None, errors: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._errors = errors or sys.stderr
        self._json = False
        self._logs_failures = False

    @property
    def is_json(self) -> bool:
        """Whether a program reads."""
        return self._json

    def use_json(self) -> None:
        """Say everything as JSON from now on."""
        self._json = True

    def show(self, value: FieldValue, text: Callable[[Any], RenderableType] | None = None) -> None:
        """Say a result.

        Parameters
        ----------
        value : FieldValue
            The result, as JSON has it.
        text : callable, optional
            Makes of this very value what a person reads, such as a string, `table(…)` or `fields(…)`; by
            default the value as it stands.
        """
        if self._json:
            self._write(self._stream, json.dumps(value, indent=2, ensure_ascii=False))
        else:
            self._print(_plain(value) if text is None else text(value))

    def step(self, value: FieldValue, text: Callable[[Any], RenderableType] | None = None) -> None:
        """Say one of many results as it comes: like `show`, with each value on a line of its own in JSON."""
        if self._json:
            self._write(self._stream, json.dumps(value, ensure_ascii=False))
        else:
            self.show(value, text)

    @contextmanager
    def logging_failures(self) -> Iterator[None]:
        """Let what fails while the body runs be a line of the log: all of standard error is one form then."""
        self._logs_failures = True
        try:
            yield
        finally:
            self._logs_failures = False

    def fail(self, error: GridLedgerError) -> None:
        """Say why a command ended, on standard error."""
        if self._logs_failures:
            logging.getLogger("gridledger.cli").error("%s", error.message, exc_info=error)
        elif self._json:
            detail: dict[str, FieldValue] = {
                "code": error.code,
                "message": error.message,
                "retriable": error.retriable,
                "fields": error.fields,
            }
            self._write(self._errors, json.dumps({"error": detail}, indent=2, ensure_ascii=False))
        else:
            self._write(self._errors, str(error))

    def fail_usage(self, message: str) -> None:
        """Say that a command was called wrongly, on standard error."""
        if self._json:
            self._write(self._errors, json.dumps({"error": {"code": "usage", "message": message}}, indent=2))
        else:
            self._write(self._errors, message)

    @contextmanager
    def live(self) -> Iterator[Callable[[FieldValue, Callable[[Any], RenderableType]], None]]:
        """Show a result that changes while the body runs: in its place on a terminal, else like `step`.

        Yields
        ------
        callable
            Is given each value, and what makes of it what a person reads.
        """
        if self._json or not self._stream.isatty():
            yield self.step
            return
        from rich.live import Live

        with Live(console=self._console(self._stream), auto_refresh=False) as shown:
            yield lambda value, text: shown.update(text(value), refresh=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show that something is going on while the body runs: on a terminal only, and never in JSON.

        Yields
        ------
        callable
            Is told what is going on now.
        """
        if self._json or not self._errors.isatty():
            yield lambda _: None
            return
        with self._console(self._errors).status(text) as shown:
            yield lambda now: shown.update(now)

    @contextmanager
    def bar(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show how much of long work is done while the body runs: on a terminal only, and never in JSON.

        Parameters
        ----------
        text : str
            What is done.
        total : int or None
            How many bytes there are; None where nobody knows.

        Yields
        ------
        callable
            Is told how many bytes are done.
        """
        if self._json or not self._errors.isatty():
            yield lambda _: None
            return
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(binary_units=True),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=self._console(self._errors), transient=True) as shown:
            task = shown.add_task(text, total=total)
            yield lambda done: shown.update(task, completed=done)

    def write_bytes(self, pieces: Iterable[bytes]) -> None:
        """Write a payload to standard output as it is."""
        raw = getattr(self._stream, "buffer", None)
        if raw is None:
            raise RuntimeError("the stream takes text only")
        self._stream.flush()
        for piece in pieces:
            raw.write(piece)
        raw.flush()

    def _print(self, drawn: RenderableType) -> None:
        if isinstance(drawn, str):
            # As it stands: long lines are the terminal's affair.
            self._write(self._stream, drawn)
            return
        console = self._console(self._stream)
        if self._stream.isatty():
            console.print(drawn)
            return
        with console.capture() as captured:
            console.print(drawn)
        # What rich fills up to the width of its columns is of no use in a pipe.
        self._write(self._stream, "\n".join(line.rstrip() for line in captured.get().splitlines()))

    def _console(self, stream: TextIO) -> Console:
        from rich.console import Console

        # No emphasis that nobody asked for: an identifier that looks like a number is none.
        return Console(
            file=stream, highlight=False, markup=False, width=None if stream.isatty() else _PIPE_WIDTH
        )

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()


def table(
    rows: Sequence[Mapping[str, FieldValue]], columns: Mapping[str, str], *, title: str | None = None
) -> RenderableType:
    """Return rows as a table.

    Parameters
    ----------
    rows : sequence of mapping
        The rows.
    columns : mapping of str to str
        Key in a row to the column's heading, in the order of the columns.
    title : str, optional
        What stands above.
    """
    from rich import box
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for key, heading in columns.items():
        numeric = all(isinstance(row.get(key), int) for row in rows) and bool(rows)
        drawn.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_plain(row.get(key)) for key in columns))
    return drawn


def fields(values: Mapping[str, FieldValue]) -> RenderableType:
    """Return names and values, one a line."""
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    drawn.add_column()
    drawn.add_column(overflow="fold")
    for name, value in values.items():
        drawn.add_row(name, _plain(value))
    return drawn


def _plain(value: FieldValue) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(str(one) for one in value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
