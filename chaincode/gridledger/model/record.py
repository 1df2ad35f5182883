"""Records: what stands on the ledger, and the values that they are made of.

    @record("system/1")
    class System(Record):
        identifier: SystemIdentifier
        name: str
        closed_at_ms: int | None = None

A record is frozen and takes keywords only. Construction and reading check everything and raise one
`ModelError` with all problems. Its bytes are canonical JSON with a member `schema`, and there is one byte
string per record: fields that are None are left out, all others are written, defaults too; the reader refuses
every other spelling. `@value` is the same without a schema, for parts of records and for arguments of
contracts. Which types fields may have stands in `gridledger.model.fieldtype`.

Versions. A schema's number goes up whenever old bytes would no longer be read, or read otherwise: that is
every change but a new optional field. The old class stays, under its own name, with a function that makes the
new one of it:

    @record("system/2")
    class System(Record): ...

    @upgrade(SystemV1, System)
    def _system_from_v1(old: SystemV1) -> System: ...

`System.from_bytes` then reads both (and, by the same rule, everything that SystemV1 reads). It writes only
its own. A record that holds another one as a part changes its version together with it.

What a class may hold is checked when it is made. Its reader, which takes most of the time, is built when the
first value is: a process imports many classes and meets few.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import (
    Any,
    ClassVar,
    Literal,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import pydantic
from pydantic import ValidationError
from pydantic_core import (
    ArgsKwargs,
    CoreSchema,
    PydanticCustomError,
    PydanticUndefined,
    SchemaSerializer,
    SchemaValidator,
)

from gridledger.model.built import CONFIG, PARTS, Built, FieldSignature
from gridledger.model.canonical import (
    MAX_DOCUMENT_BYTES,
    Value,
    WritableValue,
    canonical_bytes,
    parse_canonical,
)
from gridledger.model.canonical_writer import CanonicalWriter, canonical_writer
from gridledger.model.errors import ModelError
from gridledger.model.fieldtype import field_type, problems_of, split_optional

__all__ = ["ModelValue", "Record", "held_types", "record", "record_types", "upgrade", "value"]

_SCHEMA = re.compile(r"[a-z][a-z0-9-]*/[1-9][0-9]{0,3}")

_AnyValue = TypeVar("_AnyValue", bound="ModelValue")
_AnyRecord = TypeVar("_AnyRecord", bound="Record")
_OldRecord = TypeVar("_OldRecord", bound="Record")

_records: dict[str, type[Record]] = {}
_writers: dict[type[ModelValue], CanonicalWriter] = {}
_upgrades: dict[type[Record], list[tuple[type[Record], Callable[[Any], Any]]]] = {}


class ModelValue:
    """Base of all values; `@value` or `@record` completes a subclass.

    Values of one class are equal if their fields are, hash by them, and cannot be changed.
    """

    __pydantic_core_schema__ = Built[CoreSchema]()
    __pydantic_serializer__ = Built[SchemaSerializer]()
    __pydantic_validator__ = Built[SchemaValidator]()
    __signature__ = FieldSignature()
    __holds_dict__: ClassVar[bool]

    def __init__(self, *positional: object, **fields: object) -> None:
        try:
            self.__pydantic_validator__.validate_python(ArgsKwargs(positional, fields), self_instance=self)
        except ValidationError as error:
            raise ModelError(problems_of(error), subject=type(self).__name__) from error

    def __repr__(self) -> str:
        fields = dataclasses.fields(cast("Any", self))
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        # Every reader fills the fields in their order.
        return hash(tuple(self.__dict__.values()))

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        """Name the rules between fields that this value breaks, as pairs of field and problem.

        A subclass overrides it; it is called once every field is right by itself.
        """
        return ()

    def changed(self, **members: object) -> Self:
        """Return the value with other members, checked like a new one; raises ModelError as construction."""
        return type(self)(**{**vars(self), **members})

    def to_value(self) -> dict[str, Value]:
        """Return the value as plain data of the canonical domain; fields that are None are left out."""
        plain = self.__pydantic_serializer__.to_python(self, mode="json", exclude_none=True, warnings=False)
        return cast("dict[str, Value]", plain)

    def to_bytes(self) -> bytes:
        """Write the canonical bytes.

        Raises
        ------
        ModelError
            The value is longer or deeper than canonical JSON may be.
        """
        cls = type(self)
        data = None if cls.__holds_dict__ else (_writers.get(cls) or _make_writer(cls))(self)
        if data is None or len(data) > MAX_DOCUMENT_BYTES:
            return canonical_bytes(self.to_value(), checked=not cls.__holds_dict__)
        return data

    @classmethod
    def from_value(cls, data: WritableValue) -> Self:
        """Read plain data, by the rules of `from_bytes`."""
        return cls.from_bytes(canonical_bytes(data))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read canonical bytes.

        Parameters
        ----------
        data : bytes
            What `to_bytes` of this class (or, for records, of a version that it upgrades) wrote.

        Raises
        ------
        ModelError
            With every problem: not canonical, unknown schema, missing, unknown or wrong fields, broken rules.

        Notes
        -----
        Reads, writes again and compares: the accepted bytes are by construction those that `to_bytes` writes.
        """
        if len(data) > MAX_DOCUMENT_BYTES:
            raise ModelError(
                {"": f"{len(data)} bytes are more than {MAX_DOCUMENT_BYTES}"}, subject=cls.__name__
            )
        try:
            read = cast("Self", cls.__pydantic_validator__.validate_json(data))
        except ValidationError as error:
            return cls._read_otherwise(data, error)
        again = canonical_bytes(read.to_value(), checked=True) if cls.__holds_dict__ else read.to_bytes()
        if again != data:
            raise ModelError(_spelling_problems(read, data), subject=cls.__name__)
        return read

    @classmethod
    def _read_otherwise(cls, _data: bytes, error: ValidationError) -> Self:
        raise ModelError(problems_of(error), subject=cls.__name__) from error


class Record(ModelValue):
    """Base of all records."""

    schema: ClassVar[str]
    """Name and version, such as `system/1`; the member `schema` of the bytes."""

    @classmethod
    def schemas(cls) -> tuple[str, ...]:
        """Return the schemas that `from_bytes` reads, the one that it writes first."""
        older = (schema for old, _ in _upgrades.get(cls, ()) for schema in old.schemas())
        return (cls.schema, *older)

    @classmethod
    def _read_otherwise(cls, data: bytes, error: ValidationError) -> Self:
        if not any(
            line["loc"] == ("schema",) for line in error.errors(include_url=False, include_input=False)
        ):
            return super()._read_otherwise(data, error)
        document = parse_canonical(data)
        found = document.get("schema") if isinstance(document, dict) else None
        for old, function in _upgrades.get(cls, ()):
            if found in old.schemas():
                return cast("Self", function(old.from_bytes(data)))
        problem = f"{found!r} is not known; known: {', '.join(cls.schemas())}"
        raise ModelError({"schema": problem}, subject=cls.__name__) from error


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field, pydantic.Field)
)
def value(cls: type[_AnyValue]) -> type[_AnyValue]:
    """Make a subclass of ModelValue a frozen keyword-only dataclass.

    Raises
    ------
    TypeError
        At import: a field's type has no canonical form, or an optional field's default is not None.

    Examples
    --------
    >>> @value
    ... class Point(ModelValue):
    ...     x: int
    ...     label: str | None = None
    >>> Point(x=1).to_bytes()
    b'{"x":1}'
    >>> Point(x="1")
    Traceback (most recent call last):
    ...
    gridledger.model.errors.ModelError: GL-MOD-001 Point: x: Input should be a valid integer
    """
    if issubclass(cls, Record):
        raise TypeError(f"{cls.__name__} is a Record: use @record")
    return _complete(cls, None)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field, pydantic.Field)
)
def record(schema: str) -> Callable[[type[_AnyRecord]], type[_AnyRecord]]:
    """Make a subclass of Record a frozen keyword-only dataclass with a schema.

    Parameters
    ----------
    schema : str
        name and version, `[a-z][a-z0-9-]*/[1-9][0-9]*`; a class of its own each.

    Raises
    ------
    TypeError
        At import: as `value`, or the schema is malformed or taken.

    Examples
    --------
    >>> @record("note-example/1")
    ... class Note(Record):
    ...     amount_milliyuan: int
    >>> Note(amount_milliyuan=5).to_bytes()
    b'{"amount_milliyuan":5,"schema":"note-example/1"}'
    """

    def decorate(cls: type[_AnyRecord]) -> type[_AnyRecord]:
        if _SCHEMA.fullmatch(schema) is None:
            raise TypeError(f"{cls.__name__}: schema {schema!r} is not name/version")
        known = _records.get(schema)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__name__}: schema {schema} is taken by {known.__name__}")
        _records[schema] = complete = _complete(cls, schema)
        return complete

    return decorate


def record_types() -> Mapping[str, type[Record]]:
    """Return every record class that has been imported, by its schema."""
    return {schema: _records[schema] for schema in sorted(_records)}


def held_types(annotation: object) -> set[type[ModelValue]]:
    """Return the classes of all values that an annotation names, and of all that those hold."""
    found = {part for part in _parts(annotation) if part is not dict}
    return found.union(*(held_types(inner) for part in found for inner in vars(part)[PARTS]))


def upgrade(
    old: type[_OldRecord], new: type[_AnyRecord]
) -> Callable[[Callable[[_OldRecord], _AnyRecord]], Callable[[_OldRecord], _AnyRecord]]:
    """Register a function that makes a record of its predecessor's version, for `from_bytes` to use."""

    def register(function: Callable[[_OldRecord], _AnyRecord]) -> Callable[[_OldRecord], _AnyRecord]:
        if set(old.schemas()) & set(new.schemas()):
            raise TypeError(f"{new.__name__} reads {', '.join(new.schemas())} already")
        _upgrades.setdefault(new, []).append((old, function))
        return function

    return register


def _complete(cls: type[_AnyValue], schema: str | None) -> type[_AnyValue]:
    if not issubclass(cls, ModelValue):
        raise TypeError(f"{cls.__name__} does not derive from ModelValue or Record")
    if any(PARTS in vars(base) for base in cls.__mro__):
        raise TypeError(f"{cls.__name__} extends a complete class; hold it as a field instead")
    own = inspect.get_annotations(cls)
    hints = get_type_hints(cls, include_extras=True)
    annotations: dict[str, object] = {}
    parts: list[type[Any]] = []
    for name in own:
        if get_origin(hints[name]) is ClassVar:
            annotations[name] = hints[name]
            continue
        if name == "schema":
            raise TypeError(f"{cls.__name__}: a field cannot be called schema")
        inner, is_optional = split_optional(hints[name])
        try:
            annotations[name] = (field_type(inner) | None) if is_optional else field_type(inner)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.{name}: {error}") from error
        if is_optional:
            _check_default(cls, name)
        parts += _parts(inner)
    if schema is not None:
        annotations["schema"] = Literal[schema]  # The reader checks it like any other field.
        type.__setattr__(cls, "schema", dataclasses.field(default=schema, repr=False))
    cls.__annotations__ = annotations
    cls.__holds_dict__ = any(part is dict or part.__holds_dict__ for part in parts)
    if cls.broken_rules is not ModelValue.broken_rules:
        type.__setattr__(cls, "__post_init__", _check_rules)
    type.__setattr__(cls, "__pydantic_config__", CONFIG)
    document = cls.__doc__
    # The base does for every class what a dataclass has made for each.
    complete = dataclasses.dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)
    complete.__doc__ = document
    type.__setattr__(complete, PARTS, tuple(part for part in dict.fromkeys(parts) if part is not dict))
    return complete


def _make_writer(cls: type[ModelValue]) -> CanonicalWriter:
    """Make what writes a class's values, when the first one is written."""
    writer = _writers[cls] = canonical_writer(cls.__pydantic_core_schema__)
    return writer


def _parts(annotation: object) -> Iterator[type[Any]]:
    """Yield the values that an annotation names, and dict, whose instances can change after a check."""
    if get_origin(annotation) is dict:
        yield dict
    elif isinstance(annotation, type) and issubclass(annotation, ModelValue):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _check_default(cls: type[ModelValue], name: str) -> None:
    default: object = vars(cls).get(name, PydanticUndefined)
    if isinstance(default, (dataclasses.Field, pydantic.fields.FieldInfo)):
        default = default.default
    if default is not None:
        raise TypeError(
            f"{cls.__name__}.{name}: an optional field's default is None (what is left out is None)"
        )


def _check_rules(self: ModelValue) -> None:
    problems = dict(self.broken_rules())
    if problems:
        text = "; ".join(f"{field}: {problem}" for field, problem in problems.items())
        raise PydanticCustomError("rules", "{text}", {"text": text, "problems": problems})


def _spelling_problems(read: ModelValue, data: bytes) -> dict[str, str]:
    """Say why bytes that were understood are not the canonical ones."""
    try:
        document = parse_canonical(data)
    except ModelError as error:
        return error.problems
    expected = read.to_value()
    assert isinstance(document, dict)  # noqa: S101 - pydantic read it as an object
    missing = dict.fromkeys(expected.keys() - document.keys(), "is left out")
    surplus = dict.fromkeys(document.keys() - expected.keys(), "is null: leave it out")
    nested = {
        name: "is not in canonical form: a member is null or left out"
        for name in expected.keys() & document.keys()
        if expected[name] != document[name]
    }
    return dict(sorted((missing | surplus | nested).items()))
