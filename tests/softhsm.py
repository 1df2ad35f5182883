"""PKCS#11 tokens in files: SoftHSM 2, where the machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.prerequisites import missing

from gridledger.client.token_uri import TokenUri

__all__ = ["PIN", "SoftHsm"]

PIN: Final = "pin-of-a-test"
_SO_PIN: Final = "so-pin-of-a-test"
_MODULES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class SoftHsm:
    """Tokens below a folder."""

    module: Path
    folder: Path

    @classmethod
    def create(cls, folder: Path, labels: Sequence[str]) -> SoftHsm:
        """Make tokens, and have this process and those it starts find them.

        SoftHSM reads where its tokens are when a process first uses it: one folder serves a whole run.
        """
        tool = shutil.which("softhsm2-util")
        module = next((path for path in _MODULES if Path(path).exists()), None)
        if tool is None or module is None:
            missing("softhsm", "SoftHSM 2 is not installed (Debian's package softhsm2)")
        configuration = folder / "softhsm2.conf"
        (folder / "tokens").mkdir(parents=True)
        configuration.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        for label in labels:
            command = [tool, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", _SO_PIN]
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        (folder / "pin").write_text(f"{PIN}\n")
        return cls(module=Path(module), folder=folder)

    def uri(self, label: str) -> TokenUri:
        """Return the URI of a token, with its PIN in a file."""
        return TokenUri(token=label, module_path=self.module, pin_file=self.folder / "pin")
