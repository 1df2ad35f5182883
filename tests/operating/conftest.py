"""What docs/operating.md tells an operator to do, done on real Fabric under load."""

from __future__ import annotations

from tests.faults.conftest import fabric, gateways

__all__ = ["fabric", "gateways"]
