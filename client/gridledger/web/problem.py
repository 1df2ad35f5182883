"""Errors as they cross HTTP: a status and the JSON body `{"code", "message", "fields"}`.

A contract's refusal has one more member, `refusal`: its wire form, from which the caller gets the same class.
"""

from __future__ import annotations

import json
from typing import Final

from gridledger.model.errors import (
    ContractError,
    CryptoError,
    FieldValue,
    GatewayError,
    GridLedgerError,
    LakeError,
    ModelError,
    ServiceError,
    error_classes,
)
from gridledger.web.errors import RemoteFailure, ServiceDefect, WebError

__all__ = ["read_problem", "status_of", "write_problem"]

_TEXT_LIMIT: Final = 2000


def status_of(error: GridLedgerError) -> int:
    """Return the HTTP status that stands for an error."""
    if isinstance(error, (WebError, ContractError)):
        return error.status
    if isinstance(error, (ModelError, CryptoError)):
        return 400
    if isinstance(error, (GatewayError, LakeError)):
        return 503 if error.retriable else 502
    return 500


def may_be_told(error: GridLedgerError) -> bool:
    """Say whether a caller may read an error: a server's own settings and set-up stay inside."""
    return isinstance(
        error, (ModelError, CryptoError, ContractError, GatewayError, LakeError, ServiceError)
    ) and bool(error.code)


def write_problem(error: GridLedgerError) -> bytes:
    """Write an error's body.

    Parameters
    ----------
    error : GridLedgerError

    Returns
    -------
    bytes
        ASCII JSON.
    """
    body: dict[str, FieldValue] = {
        "code": error.code,
        "message": error.message[:_TEXT_LIMIT],
        "fields": error.fields,
    }
    if isinstance(error, ContractError):
        body["refusal"] = error.to_wire()
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_problem(status: int, body: bytes) -> GridLedgerError:
    """Read an error's body.

    Parameters
    ----------
    status : int
        HTTP status of the reply.
    body : bytes
        The body of a reply whose signature holds.

    Returns
    -------
    GridLedgerError
        Of the same class where it is a contract's refusal, a broken rule of the model, or a ServiceError.
        Trouble that the server had with its own gateway or lake is RemoteFailure: they are not the caller's.
    """
    try:
        problem = json.loads(body)
    except ValueError as error:
        return _unreadable(status, error)
    if not isinstance(problem, dict):
        return _unreadable(status)
    code, message, fields = problem.get("code"), problem.get("message"), problem.get("fields")
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(fields, dict)):
        return _unreadable(status)
    refusal = problem.get("refusal")
    if isinstance(refusal, str):
        contract_error = ContractError.from_wire(refusal)
        if contract_error is not None:
            return contract_error
    if code == ModelError.code and _is_text_by_name(fields.get("problems")):
        return ModelError(fields["problems"], subject=message.partition(": ")[0])
    known = next((known for known in error_classes() if known.code == code), None)
    if known is None or not issubclass(known, WebError) or issubclass(known, (ServiceDefect, RemoteFailure)):
        return RemoteFailure(f"the server failed: {code} {message}", remote_code=code, remote_fields=fields)
    told = known(message)
    told.fields.update(fields)
    return told


def _is_text_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _unreadable(status: int, cause: ValueError | None = None) -> GridLedgerError:
    unreadable = RemoteFailure(
        f"the server answered {status} without an error that can be read", status=status
    )
    unreadable.__cause__ = cause
    return unreadable
