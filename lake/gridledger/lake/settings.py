"""The configuration of a lake: one TOML file that commands, file objects and URLs share.

store = "hdfs://127.0.0.1:8020/lake"     # where it lies: see gridledger.lake.store_address
owner_key = "owner.key"                  # the owner key; paths start from the file's folder

`gridledger lake init` writes it, with an owner key that only the file's owner can read.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gridledger.crypto.secret_key import SecretKey
from gridledger.host.durable_file import write_file
from gridledger.lake.lake import Lake
from gridledger.lake.store import Store
from gridledger.lake.store_address import open_store
from gridledger.model.errors import ConfigError

__all__ = ["DEFAULT_FILE", "VARIABLE", "LakeSettings", "chosen_file", "read_document"]

DEFAULT_FILE: Final = Path(".gridledger/lake.toml")
"""Where the file is looked for unless told."""
VARIABLE: Final = "GRIDLEDGER_LAKE"
"""Names the file where no argument does."""
_KEYS = {"store": "store", "owner_key": "owner.key"}
_HEAD = "# A data lake: see gridledger.lake.settings.\n"


def chosen_file(path: Path | None = None) -> Path:
    """Return the file that an argument names, else the variable GRIDLEDGER_LAKE, else the default."""
    named = os.environ.get(VARIABLE)
    return path or (Path(named) if named else DEFAULT_FILE)


def read_document(path: Path) -> dict[str, Any]:
    """Read a configuration file as it stands.

    Raises
    ------
    ConfigError
        There is none, or it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            "there is none: gridledger lake init makes one", key="config", source=str(path)
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", key="config", source=str(path)) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class LakeSettings:
    """All that a lake's owner is told."""

    source: Path
    """The file."""
    store: str
    """Address of the store."""
    owner_key: Path
    """File of the owner key."""

    @classmethod
    def from_file(cls, path: Path) -> LakeSettings:
        """Read a file; raises ConfigError."""
        document = read_document(path)
        wrong = sorted({*document} ^ {*_KEYS}) or sorted(
            key for key, value in document.items() if not (isinstance(value, str) and value)
        )
        if wrong:
            wanted = " and ".join(_KEYS)
            raise ConfigError(f"want {wanted}, as text", key=", ".join(wrong), source=str(path))
        return cls(source=path, store=document["store"], owner_key=path.parent / document["owner_key"])

    @classmethod
    def create(cls, path: Path, *, store: str) -> LakeSettings:
        """Write the file, draw an owner key beside it, and begin a lake in the store.

        Parameters
        ----------
        path : Path
            The file, which is not there yet.
        store : str
            Address of the store.

        Raises
        ------
        ConfigError
            The file is there, or the address is none.
        KeyMalformed
            An owner key stands beside it: a key is never replaced.
        NameTaken
            The store holds a lake.
        """
        if path.exists():
            raise ConfigError("is there already", key="config", source=str(path))
        settings = cls(source=path, store=store, owner_key=path.parent / _KEYS["owner_key"])
        with settings.open_store() as opened:
            path.parent.mkdir(parents=True, exist_ok=True)
            owner = SecretKey.generate()
            owner.save(settings.owner_key)
            # The key is safe before anything is sealed with it; without the lake it is of no use.
            try:
                Lake.create(opened, owner)
            except BaseException:
                settings.owner_key.unlink()
                raise
        lines = (f"store = {_quoted(store)}", f"owner_key = {_quoted(settings.owner_key.name)}")
        write_file(path, (_HEAD + "\n".join(lines) + "\n").encode())
        return settings

    def open_store(self) -> Store:
        """Open the store; raises ConfigError."""
        return open_store(self.store, base=self.source.parent, source=str(self.source))

    def open(self) -> Lake:
        """Open the lake.

        Raises
        ------
        ConfigError
            The address is none.
        KeyMalformed
            The owner key is missing, or others can read it.
        LakeUnknown
            The store holds no lake.
        """
        owner = SecretKey.load(self.owner_key)
        return Lake.open(self.open_store(), owner)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
