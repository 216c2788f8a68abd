"""Typed configurations, strictly: what a recipe may say, and how it is told that it is wrong.

A configuration is a tree of frozen pydantic models. `parse` makes one from the nested dicts that
YAML gives and refuses what the models do not name: a misspelt key is an error that says where it
is and what was probably meant, never a default in silence.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from seq2seq.errors import ConfigError

T = TypeVar("T")


class Config(BaseModel):
    """Base of all configurations: frozen, strict about types, and about keys."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            for key in value:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key", "{message}", {"message": unknown("key", key, cls.model_fields)}
                    )
            return {key: _with_tuples(item) for key, item in value.items()}
        return value


def parse(kind: type[T] | Any, tree: Any, where: str) -> T:
    """`tree` as a `kind`; `where` names the file or option in messages."""
    try:
        # Through JSON, because only there does strict mode take a list for a tuple and a string for a path.
        return TypeAdapter(kind).validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{_place(first, tree, where)}: {_message(first)}") from None


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The message for a `name` that is none of `known`, with what was probably meant."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(map(repr, known))}"
    return f"unknown {what} {name!r}; {hint}"


def _with_tuples(value: Any) -> Any:
    """`value`, every list a tuple: behind a validator strict mode no longer knows that they came as JSON."""
    if isinstance(value, Mapping):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _place(error: ErrorDetails, tree: Any, where: str) -> str:
    """`where` and the keys that lead to the error; pydantic adds union tags, which are not the user's."""
    parts = [where]
    for depth, key in enumerate(error["loc"]):
        if isinstance(tree, Mapping) and key in tree:
            parts.append(str(key))
            tree = tree[key]
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            parts[-1] += f"[{key}]"
            tree = tree[key]
        elif error["type"] == "missing" and depth == len(error["loc"]) - 1:
            continue
    return ": ".join(parts)


def _message(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        last = error["loc"][-1]
        return f"entry {last + 1} is missing" if isinstance(last, int) else f"{last!r} is missing"
    if error["type"] == "union_tag_not_found":
        return "'kind' is missing"
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] in ("unknown_key",):
        return error["msg"]
    if error["type"].startswith("union_tag"):
        given = error["input"].get("kind") if isinstance(error["input"], Mapping) else error["input"]
        expected = error["ctx"]["expected_tags"]
        return f"'kind' must be one of {expected}, not {given!r}"
    rule = error["msg"].replace("Input should be", "must be")
    rule = rule.replace("an object", "a mapping").replace("a valid array", "a list")  # YAML's words, not JSON's
    return f"{rule}, not {error['input']!r}"
