"""The synchronous face: the same names and signatures, one implementation behind them."""

from __future__ import annotations

import asyncio
import inspect
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.fakes import (
    CERTIFICATE,
    IDENTITY,
    KEY_PEM,
    SIGNER,
    FakeStream,
    FakeTransport,
    evaluate_error,
    make_gateway,
    refusal,
)
from tests.unit.client.test_events import block, events_of
from tests.unit.client.test_peer import DEFINITION, FakeEndorser

import gridledger.client as asynchronous
from gridledger.client import sync
from gridledger.client.signing_identity import SigningIdentity
from gridledger.client.sync.event_loop import call, run
from gridledger.model.errors import ConfigError
from gridledger.model.refusals import NotFound
from gridledger.model.time_mark import TimeMark

FACED = sorted(name for name in sync.__all__ if getattr(sync, name) is not getattr(asynchronous, name))
SAME_BY_ANOTHER_NAME = {
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
}
# What builds the asynchronous object from a session; programs do not call it.
INSIDE = {"create", "from_bytes", "open", "unpack", "asynchronous"}


def public(kind: type) -> set[str]:
    names = {name for name in dir(kind) if not name.startswith("_")}
    return names - INSIDE | {name for name in SAME_BY_ANOTHER_NAME if name in dir(kind)}


def test_both_packages_have_the_same_names() -> None:
    assert sync.__all__ == asynchronous.__all__
    assert "Gateway" in FACED
    assert "Connection" not in FACED


@pytest.mark.parametrize("name", FACED)
def test_class_has_the_same_methods(name: str) -> None:
    plain = {SAME_BY_ANOTHER_NAME.get(one, one) for one in public(getattr(asynchronous, name))}
    own = getattr(sync, name)
    found = {one for one in dir(own) if not one.startswith("_")} - INSIDE
    found |= {one for one in SAME_BY_ANOTHER_NAME.values() if one in dir(own)}
    assert found == plain


@pytest.mark.parametrize("name", FACED)
def test_methods_have_the_same_signatures_and_wait(name: str) -> None:
    for method in sorted(public(getattr(asynchronous, name))):
        original = inspect.getattr_static(getattr(asynchronous, name), method)
        own = inspect.getattr_static(getattr(sync, name), SAME_BY_ANOTHER_NAME.get(method, method))
        if isinstance(original, property) or not callable(getattr(original, "__func__", original)):
            continue  # a property or a slot
        theirs, ours = (
            inspect.signature(getattr(one, "__func__", one)).parameters.values() for one in (original, own)
        )
        assert [(one.name, one.kind, one.default) for one in ours] == [
            (one.name, one.kind, one.default) for one in theirs
        ], method
        function = inspect.unwrap(getattr(own, "__func__", own), stop=lambda _: True)
        assert not inspect.iscoroutinefunction(function), method


def gateway(transport: FakeTransport, **settings: Any) -> sync.Gateway:
    return sync.Gateway(make_gateway(transport, **settings))


def test_calls_wait_for_their_result() -> None:
    transport = FakeTransport()
    with gateway(transport) as opened:
        contract = opened.network().contract(name="registry")
        assert (contract.channel, contract.chaincode, contract.name) == ("energy", "gridledger", "registry")
        assert contract.evaluate("Get", "a") == b"registry:Get a"
        assert contract.submit("Put", "a") == b"registry:Put a"
        assert contract.transact("Put").block_number == 2
        assert contract.submit_once("Put", call_key="k") == b"registry:Put k"
        assert opened.identity is IDENTITY
    assert transport.closed


def test_errors_come_through() -> None:
    transport = FakeTransport()
    transport.fail("evaluate", evaluate_error("UNKNOWN", refusal(NotFound("system", "x").to_wire())))
    with pytest.raises(NotFound):
        gateway(transport).network().contract().evaluate("Get")


def test_steps_and_offline_signing() -> None:
    offline = gateway(FakeTransport(), signer=None)
    unsigned = offline.network().contract().proposal("Put", "a")
    proposal = offline.new_signed_proposal(unsigned.to_bytes(), SIGNER.sign(unsigned.digest))
    endorsed = proposal.endorse()
    transaction = offline.new_signed_transaction(endorsed.to_bytes(), SIGNER.sign(endorsed.digest))
    assert (transaction.result, transaction.channel, transaction.tx_id) == (
        b"Put a",
        "energy",
        unsigned.tx_id,
    )
    submitted = transaction.submit()
    commit = offline.new_signed_commit(submitted.to_bytes(), SIGNER.sign(submitted.digest))
    assert commit.status().successful
    assert transaction.commit().tx_id == commit.tx_id


def test_events_are_iterated_and_closed_from_another_thread(tmp_path: Path) -> None:
    transport = FakeTransport()
    transport.streams.append(FakeStream([events_of(2, "a"), events_of(3, "b")]))
    checkpoint = sync.FileCheckpoint(tmp_path / "checkpoint")
    found = []
    with gateway(transport).network().chaincode_events(start_block=2, checkpoint=checkpoint) as events:
        closing = threading.Timer(0, lambda: None)
        for event in events:
            found.append(event.tx_id)
            checkpoint.record_event(event)
            if len(found) == 2:
                closing = threading.Timer(0.01, events.close)
                closing.start()
        closing.join()
    assert found == ["a", "b"]
    assert sync.FileCheckpoint(tmp_path / "checkpoint").position == sync.Position(3, frozenset({"b"}))


@pytest.mark.parametrize("kind", ["block", "filtered_block", "block_and_private_data"])
def test_block_streams_and_their_requests(kind: str) -> None:
    transport = FakeTransport()
    offline = gateway(transport, signer=None)
    request = getattr(offline.network(), f"{kind}_events_request")(start_block=4)
    signed = getattr(offline, f"new_signed_{kind}_events_request")(
        request.to_bytes(), SIGNER.sign(request.digest)
    )
    assert signed.start_position == sync.Position(4)
    assert signed.events() is not None
    memory = sync.InMemoryCheckpoint(sync.Position(4))
    transport.streams.append(FakeStream([block(4)]))
    events = getattr(gateway(transport).network(), f"{kind}_events")(start_block=4, checkpoint=memory)
    if kind == "block":
        assert next(events).number == 4
    events.close()


def test_checkpoints_record_without_await() -> None:
    checkpoint = sync.InMemoryCheckpoint()
    checkpoint.record_block(2)
    checkpoint.record_transaction(3, "a")
    assert checkpoint.position == sync.Position(3, frozenset({"a"}))


def test_peer_lifecycle_and_agent() -> None:
    channel = FakeEndorser()
    signing = SigningIdentity(IDENTITY, SIGNER)
    with sync.Peer(asynchronous.Peer(channel, signing, endpoint="p:1", owns_channel=True)) as peer:
        assert peer.channels() == []
    assert channel.closed

    transport = FakeTransport(lambda function, arguments: b"")
    sync.Lifecycle(gateway(transport).network()).commit(DEFINITION)
    assert [step for step, _ in transport.calls] == ["endorse", "submit", "commit_status"]

    mark = TimeMark(time_ms=1, msp_id="Org1MSP")
    renewing = FakeTransport(lambda function, arguments: mark.to_bytes())
    with sync.TimeMarkAgent(gateway(renewing).network()) as agent:
        assert agent.renew() == mark
        assert (agent.last_mark, agent.failures) == (mark, 0)


def test_gateway_is_opened_on_the_background_loop() -> None:
    connection = sync.Connection(
        endpoint="127.0.0.1:1",
        msp_id="Org1MSP",
        certificate=sync.Pem(CERTIFICATE),
        private_key=sync.Pem(KEY_PEM),
        channel="energy",
    )
    with sync.Gateway.connect(connection) as opened, sync.Peer.connect(connection) as peer:
        assert opened.network().channel == "energy"
        assert peer is not None


def test_call_from_the_background_thread_is_refused_in_place_of_waiting_for_itself() -> None:
    def inside() -> None:
        call(lambda: None)

    with pytest.raises(ConfigError) as caught:
        call(inside)
    assert caught.value.fields["key"] == "thread"


def test_interrupted_wait_cancels_the_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    import concurrent.futures

    def interrupted(self: Any, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(concurrent.futures.Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(forever())
    assert cancelled.wait(10)
