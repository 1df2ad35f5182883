"""Where Fabric's official binaries are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gridledger.host.errors import PrerequisiteMissing

__all__ = ["BINARIES_VARIABLE", "Binaries", "ImageBinaries"]

BINARIES_VARIABLE = "GRIDLEDGER_FABRIC_BIN"
_DEFAULT = Path("~/.cache/gridledger/fabric/bin")
_REMEDY = (
    "unpack hyperledger-fabric-<system>-3.1.x.tar.gz from the releases of github.com/hyperledger/fabric and "
    f"name its folder bin with --bin or {BINARIES_VARIABLE}, or unpack it into {_DEFAULT.parent}"
)


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """The folder `bin` of an unpacked release, with `builders` beside it.

    Parameters
    ----------
    directory : Path
        The folder.
    """

    directory: Path

    @classmethod
    def find(cls, path: Path | None = None) -> Self:
        """Find them: argument over variable GRIDLEDGER_FABRIC_BIN over `~/.cache/gridledger/fabric/bin`.

        Parameters
        ----------
        path : Path, optional
            The folder, if it was named.

        Raises
        ------
        PrerequisiteMissing
            If one of the programs, or the builder for chaincode as a service, is not there.
        """
        variable = os.environ.get(BINARIES_VARIABLE)
        found = cls(directory=(path or Path(variable or _DEFAULT)).expanduser().absolute())
        for program in found.wanted():
            if not os.access(program, os.X_OK) or not program.is_file():
                raise PrerequisiteMissing(f"{program.name} ({program})", remedy=_REMEDY)
        return found

    def wanted(self) -> list[Path]:
        """Return the programs that must be on this machine."""
        builder = [self.ccaas_builder / "bin" / step for step in ("detect", "build", "release")]
        return [self.orderer, self.peer, self.configtxgen, *builder]

    @property
    def orderer(self) -> Path:
        """The orderer."""
        return self.directory / "orderer"

    @property
    def peer(self) -> Path:
        """The peer."""
        return self.directory / "peer"

    @property
    def configtxgen(self) -> Path:
        """The tool that makes a channel's first block."""
        return self.directory / "configtxgen"

    @property
    def ccaas_builder(self) -> Path:
        """The external builder for chaincode as a service."""
        return self.directory.parent / "builders" / "ccaas"


class ImageBinaries(Binaries):
    """Binaries of which this machine needs only `configtxgen`: the others are in the official images."""

    def wanted(self) -> list[Path]:
        """Return `configtxgen`."""
        return [self.configtxgen]

    @property
    def orderer(self) -> Path:
        """The orderer in its image."""
        return Path("orderer")

    @property
    def peer(self) -> Path:
        """The peer in its image."""
        return Path("peer")

    @property
    def ccaas_builder(self) -> Path:
        """The builder in the peer's image."""
        return Path("/opt/hyperledger/ccaas_builder")
