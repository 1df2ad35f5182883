"""Serve a chaincode: ``python -m gridledger.shim MODULE:CLASS``.

The environment: see `ServerSettings` and, for the log on standard error, `gridledger.host.logs`.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any

from gridledger.host.logs import logging_to
from gridledger.host.metrics_listener import MetricsListener
from gridledger.model.errors import ConfigError, GridLedgerError
from gridledger.shim.chaincode import Chaincode
from gridledger.shim.server import ChaincodeServer
from gridledger.shim.settings import ServerSettings

__all__ = ["load_chaincode", "main"]

_USAGE = "usage: python -m gridledger.shim MODULE:CLASS"
_COLLECT_AFTER = 20_000
"""New objects that may be garbage in circles before the collector looks; transactions leave hardly any."""

_USAGE_EXIT_CODE = 2


def load_chaincode(target: str) -> Chaincode:
    """Import ``module:Class`` and make an instance without arguments.

    Raises
    ------
    ConfigError
        If there is no such module or class, or its instances have no `invoke`.
    """
    module_name, _, class_name = target.partition(":")
    try:
        instance = getattr(importlib.import_module(module_name), class_name)()
    except (ImportError, AttributeError, ValueError) as exc:
        raise ConfigError(
            f"cannot be loaded: {exc}", key="MODULE:CLASS", source="argument", value=target
        ) from exc
    if not isinstance(instance, Chaincode):
        raise ConfigError("has no invoke", key="MODULE:CLASS", source="argument", value=target)
    return instance


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; return the exit code."""
    if len(arguments) != 1 or ":" not in arguments[0]:
        sys.stderr.write(_USAGE + "\n")
        return _USAGE_EXIT_CODE
    try:
        settings = ServerSettings.from_environment(os.environ)
        with ExitStack() as stack:
            stack.enter_context(logging_to(sys.stderr))
            if settings.metrics is not None:
                stack.enter_context(MetricsListener(settings.metrics))
            _serve(arguments[0], settings)
    except GridLedgerError as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.exit_code
    return 0


def _serve(target: str, settings: ServerSettings) -> None:
    server = ChaincodeServer(load_chaincode(target), settings)
    # What was imported stays; the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    _run(server.serve())


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # the extra "chaincode" brings it; without it everything works, a little slower
        asyncio.run(serving)
    else:
        uvloop.run(serving)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
