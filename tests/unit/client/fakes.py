"""A gateway in memory: endorses what it is told to, orders it, and fails as scripted."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from gridledger.client import (
    Backoff,
    CommitStatusError,
    Deadlines,
    EndorseError,
    EndpointDetail,
    EvaluateError,
    Gateway,
    Network,
    RetryPolicy,
    RpcError,
    SubmitError,
    ValidationCode,
)
from gridledger.client.identity import Identity
from gridledger.client.session import Session
from gridledger.client.signer import EcdsaSigner
from gridledger.client.signing_identity import SigningIdentity
from gridledger.client.transport import BlockKind

KEY = ec.generate_private_key(ec.SECP256R1())
KEY_PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
OTHER_KEY_PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def make_certificate(key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """Return a certificate, PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "user1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


CERTIFICATE = make_certificate()
IDENTITY = Identity(msp_id="Org1MSP", certificate=CERTIFICATE)
SIGNER = EcdsaSigner(KEY_PEM)

Handler = Callable[[str, list[bytes]], bytes]


def echo(function: str, arguments: list[bytes]) -> bytes:
    """Return the function's name and its arguments."""
    return b" ".join([function.encode(), *arguments])


class FakeStream:
    """Messages and errors in the order given; then it stays silent until cancelled."""

    def __init__(self, script: Sequence[Any]) -> None:
        self._script = deque(script)
        self._cancelled = asyncio.Event()

    async def read(self) -> Any:
        await asyncio.sleep(0)
        if self._script:
            step = self._script.popleft()
            if isinstance(step, Exception):
                raise step
            return step
        await self._cancelled.wait()
        return None

    def cancel(self) -> None:
        self._cancelled.set()


class FakeTransport:
    """Answers every step; `fail` scripts errors, one for each coming call of a step."""

    def __init__(self, handler: Handler = echo) -> None:
        self.handler = handler
        self.calls: list[tuple[str, str]] = []
        self.requests: list[Any] = []
        self.timeouts: list[float] = []
        self.ordered: dict[str, int] = {}
        self.validation: dict[str, ValidationCode] = {}
        self.next_validation: deque[ValidationCode] = deque()
        self.lost: set[int] = set()
        self.streams: deque[FakeStream] = deque()
        self.opened: list[tuple[str, Any]] = []
        self.closed = False
        self._scripts: dict[str, deque[BaseException | None]] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    def fail(self, step: str, *errors: BaseException | None) -> None:
        """Let the coming calls of a step end so; None lets one through.

        What is submitted counts as ordered first, unless the error's `arrives` is false.
        """
        self._scripts.setdefault(step, deque()).extend(errors)

    def _note(self, step: str, request: Any, tx_id: str, timeout: float) -> BaseException | None:
        self.calls.append((step, tx_id))
        self.requests.append(request)
        self.timeouts.append(timeout)
        script = self._scripts.get(step)
        return script.popleft() if script else None

    async def evaluate(self, request: Any, tx_id: str, timeout: float) -> Any:
        error = self._note("evaluate", request, tx_id, timeout)
        if error is not None:
            raise error
        function, arguments = read_call(request.proposed_transaction.proposal_bytes)
        payload = self.handler(function, arguments)
        return gateway_pb2.EvaluateResponse(
            result=proposal_response_pb2.Response(status=200, payload=payload)
        )

    async def endorse(self, request: Any, tx_id: str, timeout: float) -> Any:
        error = self._note("endorse", request, tx_id, timeout)
        if error is not None:
            raise error
        function, arguments = read_call(request.proposed_transaction.proposal_bytes)
        envelope = prepare(request.proposed_transaction.proposal_bytes, self.handler(function, arguments))
        return gateway_pb2.EndorseResponse(prepared_transaction=envelope)

    async def submit(self, request: Any, tx_id: str, timeout: float) -> Any:
        error = self._note("submit", request, tx_id, timeout)
        if getattr(error, "arrives", True):
            self.order(tx_id)
        if error is not None:
            raise error
        return gateway_pb2.SubmitResponse()

    def order(self, tx_id: str) -> None:
        """Put a transaction into the next block, once."""
        if tx_id not in self.ordered:
            self.ordered[tx_id] = len(self.ordered) + 1
            code = self.next_validation.popleft() if self.next_validation else ValidationCode.VALID
            self.validation[tx_id] = code
            self._waiting.setdefault(tx_id, asyncio.Event()).set()

    async def commit_status(self, request: Any, tx_id: str, timeout: float) -> Any:
        error = self._note("commit_status", request, tx_id, timeout)
        if error is not None:
            raise error
        try:
            async with asyncio.timeout(timeout):
                await self._waiting.setdefault(tx_id, asyncio.Event()).wait()
        except TimeoutError:
            raise CommitStatusError("late", tx_id=tx_id, grpc_status="DEADLINE_EXCEEDED") from None
        return gateway_pb2.CommitStatusResponse(
            result=self.validation[tx_id], block_number=self.ordered[tx_id]
        )

    def chaincode_events(self, request: Any) -> FakeStream:
        self.opened.append(("chaincode_events", request))
        return self.streams.popleft() if self.streams else FakeStream([])

    def blocks(self, kind: BlockKind, request: Any) -> FakeStream:
        self.opened.append((kind.value, request))
        return self.streams.popleft() if self.streams else FakeStream([])

    async def close(self) -> None:
        self.closed = True


def make_session(
    transport: FakeTransport,
    *,
    signer: Any = SIGNER,
    deadlines: Deadlines | None = None,
    retry: RetryPolicy | None = None,
) -> Session:
    return Session(
        transport=transport,
        signing=SigningIdentity(IDENTITY, signer),
        deadlines=deadlines or Deadlines(),
        retry=retry or RetryPolicy(),
    )


def make_gateway(transport: FakeTransport, **settings: Any) -> Gateway:
    return Gateway(make_session(transport, **settings), channel="energy", chaincode="gridledger")


def make_network(transport: FakeTransport, **settings: Any) -> Network:
    return make_gateway(transport, **settings).network()


def read_call(proposal_bytes: bytes) -> tuple[str, list[bytes]]:
    """Return function and arguments of a proposal."""
    proposal = proposal_pb2.Proposal.FromString(proposal_bytes)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
    specification = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
    function, *arguments = specification.input.args
    return function.decode(), list(arguments)


def prepare(proposal_bytes: bytes, result: bytes) -> Any:
    """Build the envelope that a gateway answers a proposal with."""
    proposal = proposal_pb2.Proposal.FromString(proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
    payload.ClearField("TransientMap")
    action = proposal_pb2.ChaincodeAction(response=proposal_response_pb2.Response(status=200, payload=result))
    response = proposal_response_pb2.ProposalResponsePayload(
        proposal_hash=b"hash", extension=action.SerializeToString()
    )
    endorsed = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=payload.SerializeToString(),
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response.SerializeToString()
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(
                header=header.signature_header, payload=endorsed.SerializeToString()
            )
        ]
    )
    return common_pb2.Envelope(
        payload=common_pb2.Payload(header=header, data=transaction.SerializeToString()).SerializeToString()
    )


def refusal(message: str, msp_id: str = "Org1MSP") -> EndpointDetail:
    """Return what an endorser says."""
    return EndpointDetail(address="peer:7051", msp_id=msp_id, message=message)


def rpc(
    kind: type[RpcError], status: str, *details: EndpointDetail, arrives: bool = True, message: str = "no"
) -> RpcError:
    """Return the error of a step; `arrives` says whether a submitted envelope was ordered all the same."""
    error = kind(message, tx_id="t", grpc_status=status, details=details)
    vars(error)["arrives"] = arrives
    return error


def endorse_error(status: str, *details: EndpointDetail) -> RpcError:
    return rpc(EndorseError, status, *details)


def evaluate_error(status: str, *details: EndpointDetail) -> RpcError:
    return rpc(EvaluateError, status, *details)


def submit_error(status: str, *, arrives: bool) -> RpcError:
    return rpc(SubmitError, status, arrives=arrives)


def status_error(status: str) -> RpcError:
    return rpc(CommitStatusError, status)


NO_RETRY = RetryPolicy(
    conflicts=Backoff(attempts=0, first=0, longest=0),
    endorsements=Backoff(attempts=0, first=0, longest=0),
    resends=Backoff(attempts=0, first=0, longest=0),
    streams=Backoff(attempts=0, first=0, longest=0),
)
