"""What every server of ours shares: signed requests, replay stores, the ASGI frame, a server, a client.

    replay = SQLiteReplayStore("replay.db")
    service = Service("provider", signer=signer, authorities=authorities, replay=replay)

    @service.post("/v1/answers", takes=Question, gives=Answer)
    async def answer(call: Call[Question]) -> Answer: ...

    async with LocalServer(service) as server:
        async with SignedClient(server.url, signer=caller, authorities=authorities) as client:
            reply = await client.call("POST", "/v1/answers", question, gives=Answer)

Messages are signed by RFC 9421 with ECDSA P-256 identities of the network; see `gridledger.web.signing`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridledger.web.access import Access, AccessHook, log_access
    from gridledger.web.authorities import Authorities, Caller
    from gridledger.web.client import Reply, SignedClient
    from gridledger.web.errors import (
        DeadlineExceeded,
        Fault,
        MediaTypeRefused,
        MethodNotAllowed,
        Misdirected,
        NoSuchResource,
        NotPaid,
        NotPermitted,
        Overloaded,
        RemoteFailure,
        Replayed,
        ReplyUnknown,
        ReplyUnproven,
        RequestMalformed,
        RequestTooLarge,
        ServiceDefect,
        ServiceUnavailable,
        Unauthenticated,
        Undelivered,
        WebError,
    )
    from gridledger.web.evidence import Evidence
    from gridledger.web.health import Health
    from gridledger.web.open_client import OpenClient
    from gridledger.web.replay import MemoryReplayStore, ReplayStore, SQLiteReplayStore
    from gridledger.web.route import Call, Nothing, OpenCall, Payload
    from gridledger.web.server import LocalServer, ServerTLS, relax_collector, run
    from gridledger.web.service import Service
    from gridledger.web.settings import Limits, Patience, Window
    from gridledger.web.signing import MessageSigner

__all__ = [
    "Access",
    "AccessHook",
    "Authorities",
    "Call",
    "Caller",
    "DeadlineExceeded",
    "Evidence",
    "Fault",
    "Health",
    "Limits",
    "LocalServer",
    "MediaTypeRefused",
    "MemoryReplayStore",
    "MessageSigner",
    "MethodNotAllowed",
    "Misdirected",
    "NoSuchResource",
    "NotPaid",
    "NotPermitted",
    "Nothing",
    "OpenCall",
    "OpenClient",
    "Overloaded",
    "Patience",
    "Payload",
    "RemoteFailure",
    "ReplayStore",
    "Replayed",
    "Reply",
    "ReplyUnknown",
    "ReplyUnproven",
    "RequestMalformed",
    "RequestTooLarge",
    "SQLiteReplayStore",
    "ServerTLS",
    "Service",
    "ServiceDefect",
    "ServiceUnavailable",
    "SignedClient",
    "Unauthenticated",
    "Undelivered",
    "WebError",
    "Window",
    "log_access",
    "relax_collector",
    "run",
]

_MODULES = {
    "Access": "access",
    "AccessHook": "access",
    "Authorities": "authorities",
    "Call": "route",
    "Caller": "authorities",
    "DeadlineExceeded": "errors",
    "Evidence": "evidence",
    "Fault": "errors",
    "Health": "health",
    "Limits": "settings",
    "LocalServer": "server",
    "MediaTypeRefused": "errors",
    "MemoryReplayStore": "replay",
    "MessageSigner": "signing",
    "MethodNotAllowed": "errors",
    "Misdirected": "errors",
    "NoSuchResource": "errors",
    "NotPaid": "errors",
    "NotPermitted": "errors",
    "Nothing": "route",
    "OpenCall": "route",
    "OpenClient": "open_client",
    "Overloaded": "errors",
    "Patience": "settings",
    "Payload": "route",
    "RemoteFailure": "errors",
    "ReplayStore": "replay",
    "Replayed": "errors",
    "Reply": "client",
    "ReplyUnknown": "errors",
    "ReplyUnproven": "errors",
    "RequestMalformed": "errors",
    "RequestTooLarge": "errors",
    "SQLiteReplayStore": "replay",
    "ServerTLS": "server",
    "Service": "service",
    "ServiceDefect": "errors",
    "ServiceUnavailable": "errors",
    "SignedClient": "client",
    "Unauthenticated": "errors",
    "Undelivered": "errors",
    "WebError": "errors",
    "Window": "settings",
    "log_access": "access",
    "relax_collector": "server",
    "run": "server",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
