"""How a refusal crosses the wire: as the message of the chaincode's response.

    GL-CHN-021 registry: one line of text
    {"canonical":"JSON of the fields, where there are any"}

A refusal without a contract's name has `-` in its place. Fabric's peer and gateway put words of their own in
front (`chaincode response 409, `), and others may follow after the fields; the reader passes over both.
"""

from __future__ import annotations

import json
import re

from gridledger.model.canonical import Value, canonical_bytes, parse_canonical
from gridledger.model.errors import ContractError, FieldValue, ModelError, error_classes

__all__ = ["MAX_MESSAGE_CHARACTERS", "read_refusal", "write_refusal"]

MAX_MESSAGE_CHARACTERS = 2_000
"""A longer message is cut: peers copy it into every log and answer."""

_MAX_FIELDS_BYTES = 64 * 1024
_REFUSAL = re.compile(r"(GL-CHN-[0-9]{3}) (-|[A-Za-z][A-Za-z0-9._-]{0,99}): ([^\n]*)(?:\n(\{.*))?", re.DOTALL)
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
_LINE_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def write_refusal(error: ContractError) -> str:
    """Write a refusal.

    Parameters
    ----------
    error : ContractError
        Line breaks in its message become spaces, and a message of more than 2,000 characters is cut. Fields
        that have no canonical form, or over 64 KiB, are left out: the refusal itself must arrive.

    Examples
    --------
    >>> write_refusal(ContractError("no such device", contract="registry", device="88.1042.17/A1"))
    'GL-CHN-001 registry: no such device\\n{"device":"88.1042.17/A1"}'
    """
    name = _NOT_OF_A_NAME.sub("_", error.contract)[:100]
    contract = name if name[:1].isalpha() else "-"
    message = _LINE_BREAKS.sub(" ", error.message)[:MAX_MESSAGE_CHARACTERS]
    head = f"{error.code} {contract}: {message}".encode("utf-8", errors="replace").decode("utf-8")
    if not error.fields:
        return head
    try:
        fields = canonical_bytes(error.fields, max_bytes=_MAX_FIELDS_BYTES)
    except ModelError:
        return head
    return f"{head}\n{fields.decode('utf-8')}"


def read_refusal(text: str) -> ContractError | None:
    """Find the first refusal in a text.

    Parameters
    ----------
    text : str
        What a peer or a gateway said; may be anything.

    Returns
    -------
    ContractError or None
        An instance of the class that has the code; a plain ContractError that carries the code if no imported
        class has it, or if the fields are not those of the class. None if there is no refusal in the text.

    Notes
    -----
    Never raises: the text comes from other organisations' peers.

    Examples
    --------
    >>> refusal = read_refusal("chaincode response 404, GL-CHN-777 registry: of tomorrow")
    >>> refusal.code, refusal.contract, refusal.message
    ('GL-CHN-777', 'registry', 'of tomorrow')
    >>> read_refusal("no route to host") is None
    True
    """
    match = _REFUSAL.search(text)
    if match is None:
        return None
    code, contract, message, tail = match.groups()
    fields = _read_fields(tail) if tail else {}
    cls = _class_of(code)
    if cls is None or not _has_fields(cls, fields):
        cls = ContractError
    # Constructors of subclasses differ; all that they set are the message and the fields.
    refusal = cls.__new__(cls)
    ContractError.__init__(refusal, message, contract="" if contract == "-" else contract, **fields)
    if refusal.code != code:
        vars(refusal)["code"] = code
    return refusal


def _class_of(code: str) -> type[ContractError] | None:
    return next((cls for cls in error_classes() if cls.code == code and issubclass(cls, ContractError)), None)


def _has_fields(cls: type[ContractError], fields: dict[str, FieldValue]) -> bool:
    return all(type(fields.get(name)) is kind for name, kind in cls.field_types.items())


def _read_fields(tail: str) -> dict[str, FieldValue]:
    try:
        _, end = json.JSONDecoder().raw_decode(tail)
        fields: Value = parse_canonical(tail[:end].encode("utf-8"), max_bytes=_MAX_FIELDS_BYTES)
    except (ModelError, ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict) or {"message", "contract", "self"} & fields.keys():
        return {}
    return fields
