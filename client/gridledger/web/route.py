"""A route of a service: method, path, what it takes and gives, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from gridledger.model.errors import ModelError
from gridledger.web.authorities import Caller
from gridledger.web.message import RequestMessage

__all__ = [
    "JSON",
    "Call",
    "Handler",
    "Nothing",
    "OpenCall",
    "OpenHandler",
    "Payload",
    "Route",
    "media_type_of",
]


class Payload(Protocol):
    """What bodies are made of: `@value` and `@record` types of the model."""

    def to_bytes(self) -> bytes: ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self: ...


JSON: Final = "application/json"


def media_type_of(kind: type[Any]) -> str:
    """Return the media type of a body: what its type says by `media_type`, else JSON."""
    return str(getattr(kind, "media_type", JSON))


@dataclass(frozen=True)
class Nothing:
    """The empty body."""

    def to_bytes(self) -> bytes:
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if data:
            raise ModelError({"": "a body stands where none is taken"}, subject="body")
        return cls()


Taken = TypeVar("Taken", bound=Payload)
Given = TypeVar("Given", bound=Payload)


@dataclass(frozen=True, kw_only=True)
class Call(Generic[Taken]):
    """One verified request."""

    caller: Caller
    """Who signed it."""
    value: Taken
    """The parsed body."""
    path: Mapping[str, str]
    """Parameters of the path, decoded."""
    query: Mapping[str, str]
    """Parameters of the query; a repeated one is refused before the call."""
    request_id: str
    """Name of this request in the log and in the reply's `request-id` field."""
    nonce: str
    """The request's nonce: unique for this caller."""
    message: RequestMessage = field(repr=False)
    """The signed request as it came, to be kept as proof of what was asked."""
    body: bytes = field(repr=False)
    """The body as it came."""
    is_bundled: bool = False
    """Whether it came with others, in whose answer its own travels."""


@dataclass(frozen=True, kw_only=True)
class OpenCall(Generic[Taken]):
    """One request of a caller without a name, to a route that is open to all."""

    value: Taken
    """The parsed body."""
    path: Mapping[str, str]
    """Parameters of the path, decoded."""
    query: Mapping[str, str]
    """Parameters of the query; a repeated one is refused before the call."""
    request_id: str
    """Name of this request in the log and in the reply's `request-id` field."""


Handler = Callable[[Call[Taken]], Awaitable[Given]]
OpenHandler = Callable[[OpenCall[Taken]], Awaitable[Given]]

_PARAMETER: Final = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method on one path."""

    method: str
    """GET, POST, PUT or DELETE."""
    path: str
    """With parameters in braces: `/v1/orders/{order}`; `{name:path}` takes slashes, too."""
    takes: type[Any]
    gives: type[Any]
    handler: Callable[[Any], Awaitable[Any]] = field(repr=False)
    is_open: bool = False
    """Whether anybody may call without a signature: requests and answers prove themselves, or are public."""
    bundled: bool = False
    """Whether requests may come in a bundle, too; the path then has no parameters."""
    summary: str = ""
    """One line for the description; default the first line of the handler's docstring."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return _PARAMETER.sub(r"{\1}", self.path)
