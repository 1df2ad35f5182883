"""The read model that a command asks: `--model`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.exchange.readmodel import ReadModel

__all__ = ["MODEL_VARIABLE", "with_model"]

P = ParamSpec("P")
T = TypeVar("T")

MODEL_VARIABLE = "GRIDLEDGER_MODEL"


def with_model(function: Callable[Concatenate[ReadModel, P], T]) -> Callable[P, T]:
    """Give a command the option of a read model, and the model as first argument, closed at the end.

    Stands below `with_output`, above nothing: an unusable model is an error like any other.
    """

    @click.option(
        "--model",
        "model_path",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        envvar=MODEL_VARIABLE,
        show_envvar=True,
        help="The read model, a file that `search follow` fills.",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        with ReadModel.read(Path(str(keywords.pop("model_path")))) as model:
            return function(model, *arguments, **keywords)

    return called
