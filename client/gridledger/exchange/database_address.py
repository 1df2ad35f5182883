"""Where an owner's database is: a SQLite file, or a PostgreSQL server and login.

database = "monitoring.db"                                  # from the configuration's folder
database = "postgresql://reader@db.example:5432/monitoring" # psycopg; libpq's pgpass and environment count
database_password_file = "reader.password"                  # or the password alone in a file of its own
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gridledger.model.errors import ConfigError

__all__ = ["DEFAULT_STATEMENT_S", "DatabaseAddress"]

DEFAULT_STATEMENT_S: Final = 10.0
"""Seconds a statement may take: a request's own deadline is 30 s, and other requests wait for connections."""

_SCHEMES: Final = ("postgresql", "postgresql+psycopg")


@dataclass(frozen=True, kw_only=True)
class DatabaseAddress:
    """A SQLite file or a PostgreSQL database.

    Examples
    --------
    >>> address = DatabaseAddress.parse("postgresql://reader:secret@db.example/monitoring", Path("."))
    >>> str(address)
    'postgresql+psycopg://reader:***@db.example/monitoring'
    """

    file: Path | None = None
    """The SQLite file."""
    url: URL | None = field(default=None, repr=False)
    """The PostgreSQL server, database and login, perhaps with a password."""
    statement_s: float = DEFAULT_STATEMENT_S
    """Seconds after which the database ends a statement."""

    @classmethod
    def parse(
        cls,
        text: str,
        folder: Path,
        *,
        password_file: str | None = None,
        statement_s: float = DEFAULT_STATEMENT_S,
    ) -> DatabaseAddress:
        """Read an address as the configuration has it.

        Parameters
        ----------
        text : str
            A path, or a URL that begins with `postgresql://`.
        folder : Path
            Where paths start from.
        password_file : str, optional
            File whose first line is the login's password.
        statement_s : float, default 10

        Raises
        ------
        ConfigError
            If the URL cannot be read or is of another database, or the password's file cannot be read. The
            address itself is not told: it may hold a password.
        """
        if "://" not in text:
            return cls(file=folder / text, statement_s=statement_s)
        try:
            url = make_url(text)
        except ArgumentError as error:
            raise ConfigError("is no URL of a database", key="database", source="provider") from error
        if url.drivername not in _SCHEMES:
            raise ConfigError(
                "want a path or postgresql://…", key="database", source="provider", value=url.drivername
            )
        if password_file is not None:
            url = url.set(password=_first_line(folder / password_file))
        return cls(url=url.set(drivername="postgresql+psycopg"), statement_s=statement_s)

    def __str__(self) -> str:
        return str(self.file) if self.url is None else self.url.render_as_string(hide_password=True)


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "cannot be read", key="database_password_file", source="provider", value=str(path)
        ) from error
