"""How a server speaks OpenADR: the table `[openadr]` of its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gridledger.model.errors import ConfigError

__all__ = ["OpenAdrSettings"]


@dataclass(frozen=True, kw_only=True)
class OpenAdrSettings:
    """How a server speaks OpenADR."""

    program: str = "demand-response"
    """Name of the one programme, whose events are the demands."""
    share_per_mille: int = 59
    """What part of a demand's reduction an event asks of each VEN; 59 is one of 17 houses."""
    url: str = ""
    """The server's origin as VENs know it, where a proxy ends TLS; default what a request names."""
    callbacks: tuple[str, ...] = ()
    """Hosts that subscriptions may have called; no other is."""
    token_s: int = 3600
    """Seconds for which an access token is good."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        origin = parts.scheme in {"http", "https"} and parts.netloc and not parts.path
        checks = {
            "program": 1 <= len(self.program) <= 128,
            "share_per_mille": 0 <= self.share_per_mille <= 1000,
            "url": not self.url or origin,
            "token_s": 60 <= self.token_s <= 86_400,
        }
        wrong = [name for name, good in checks.items() if not good]
        if wrong:
            raise ConfigError("is out of range", key=", ".join(wrong), source="openadr")
