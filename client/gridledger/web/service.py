"""A service: its routes, and what is needed to serve them.

service = Service("provider", signer=signer, authorities=authorities, replay=replay)

@service.post("/v1/answers", takes=Question, gives=Answer)
async def answer(call: Call[Question]) -> Answer:
    return await owner.answer(call.caller, call.value)

app = service.app(["https://provider.example:8443"])
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gridledger.model.errors import ConfigError
from gridledger.web.access import AccessHook, log_access
from gridledger.web.authorities import Authorities
from gridledger.web.frame import Frame
from gridledger.web.health import Health
from gridledger.web.replay import ReplayStore
from gridledger.web.route import Given, Handler, Nothing, OpenHandler, Route, Taken
from gridledger.web.settings import Limits, Window
from gridledger.web.signing import Clock, MessageSigner
from gridledger.web.verification import RequestVerifier

__all__ = ["Service"]


async def _no_check() -> None:
    """Find nothing wrong."""


class Service:
    """Routes, and what is needed to serve them.

    Parameters
    ----------
    title : str
        Name of the service, for its description.
    signer : MessageSigner
        In whose name replies are signed.
    authorities : Authorities
        Whose members may call.
    replay : ReplayStore
        Where nonces are kept; the opener closes it.
    version : str, default "1"
    window : Window, default Window()
    limits : Limits, default Limits()
    lifespan : callable, optional
        Returns an async context manager that is entered before the first request and left after the last.
    check : callable, optional
        Asked by `/health`; raises a GridLedgerError if the service cannot work.
    on_access : AccessHook, default log_access
    clock : Clock, default time.time
    """

    def __init__(
        self,
        title: str,
        *,
        signer: MessageSigner,
        authorities: Authorities,
        replay: ReplayStore,
        version: str = "1",
        window: Window | None = None,
        limits: Limits | None = None,
        lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        check: Callable[[], Awaitable[None]] = _no_check,
        on_access: AccessHook = log_access,
        clock: Clock = time.time,
    ) -> None:
        self.title = title
        self.version = version
        self.signer = signer
        self.verifier = RequestVerifier(authorities, replay, window=window, clock=clock)
        self.limits = limits or Limits()
        self.lifespan = lifespan
        self.check = check
        self.on_access = on_access
        self.routes: list[Route] = []
        self.mounts: dict[str, ASGIApp] = {}

    def get(
        self, path: str, *, gives: type[Given]
    ) -> Callable[[Handler[Nothing, Given]], Handler[Nothing, Given]]:
        """Register what answers a GET; see `route`."""
        return self.route("GET", path, takes=Nothing, gives=gives)

    def post(
        self, path: str, *, takes: type[Taken], gives: type[Given], bundled: bool = False
    ) -> Callable[[Handler[Taken, Given]], Handler[Taken, Given]]:
        """Register what answers a POST; see `route`."""
        return self.route("POST", path, takes=takes, gives=gives, bundled=bundled)

    def route(
        self, method: str, path: str, *, takes: type[Taken], gives: type[Given], bundled: bool = False
    ) -> Callable[[Handler[Taken, Given]], Handler[Taken, Given]]:
        """Register a coroutine function that answers one method on one path.

        Parameters
        ----------
        method : str
            GET, POST, PUT or DELETE.
        path : str
            With parameters in braces.
        takes, gives : type
            The bodies' types; Nothing for none.
        bundled : bool, default False
            Whether requests may come in a bundle, too (`POST /v1/bundles`): for a POST that may be sent
            again, without parameters, whose answer needs no signature of its own.
        """

        def register(handler: Handler[Taken, Given]) -> Handler[Taken, Given]:
            summary = (handler.__doc__ or "").strip().partition("\n")[0]
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    takes=takes,
                    gives=gives,
                    handler=handler,
                    bundled=bundled,
                    summary=summary,
                )
            )
            return handler

        return register

    def open_route(
        self, method: str, path: str, *, takes: type[Taken], gives: type[Given]
    ) -> Callable[[OpenHandler[Taken, Given]], OpenHandler[Taken, Given]]:
        """Register what answers callers without a name; see `route` for the parameters.

        Notes
        -----
        Nothing is known of such a caller: what it may have must follow from what it sends.
        """

        def register(handler: OpenHandler[Taken, Given]) -> OpenHandler[Taken, Given]:
            summary = (handler.__doc__ or "").strip().partition("\n")[0]
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    takes=takes,
                    gives=gives,
                    handler=handler,
                    is_open=True,
                    summary=summary,
                )
            )
            return handler

        return register

    def mount(self, path: str, app: ASGIApp) -> None:
        """Let an application of its own answer everything below a path: one whose callers have no signature.

        Parameters
        ----------
        path : str
            From the first slash, without one at its end.
        app : ASGIApp
            Checks its callers and its limits itself; its replies are not signed.
        """
        self.mounts[path] = app

    def health(self) -> Health:
        """Return what `/health` answers while the service works."""
        return Health(
            service=self.title,
            version=self.version,
            msp_id=self.signer.identity.msp_id,
            fingerprint=self.signer.fingerprint,
        )

    def app(self, origins: Iterable[str]) -> Starlette:
        """Build the ASGI application.

        Parameters
        ----------
        origins : iterable of str
            Scheme and authority of every address under which callers know this server: `https://host:port`.
            What is signed for another server is refused: no request is carried from one owner to the next.

        Raises
        ------
        ConfigError
            If there is none or one is not an origin.
        """
        return Frame(self, _by_authority(origins)).starlette()


def _by_authority(origins: Iterable[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for origin in origins:
        parts = urlsplit(origin)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.netloc
            or parts.path
            or parts.query
            or parts.fragment
        ):
            raise ConfigError(
                "not an origin: want scheme://host:port", key="origins", source="Service", value=origin
            )
        known[parts.netloc.lower()] = f"{parts.scheme}://{parts.netloc.lower()}"
    if not known:
        raise ConfigError("want at least one", key="origins", source="Service")
    return known
