"""Bundles: requests of one caller to one server in one signed message, each with a reply of its own."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from gridledger.model.record import ModelValue, value

__all__ = ["BUNDLES_PATH", "MAX_REQUESTS", "BundledReply", "BundledRequest", "ReplyBundle", "RequestBundle"]

BUNDLES_PATH: Final = "/v1/bundles"

MAX_REQUESTS: Final = 48
"""Requests of a bundle: with 40 in flight all go together."""


@value
class BundledRequest(ModelValue):
    """A POST to a route that takes part in bundles."""

    path: str
    body: bytes


@value
class RequestBundle(ModelValue):
    """Requests that go together."""

    requests: Annotated[tuple[BundledRequest, ...], Field(min_length=1, max_length=MAX_REQUESTS)]


@value
class BundledReply(ModelValue):
    """The answer to one request, or its error as it would come alone."""

    status: int
    body: bytes


@value
class ReplyBundle(ModelValue):
    """Answers in the order of their requests."""

    replies: tuple[BundledReply, ...]
