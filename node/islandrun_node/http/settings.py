"""Settings of a request that several doors read alike, and fields that are refused by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from islandrun.errors import BadRequest
from islandrun.vocabulary import Sampling
from islandrun.wire import limits

AUTO: Final = "islandrun/auto"
MODEL_CHARACTERS_MAX: Final = limits.MODEL_NAME_CHARACTERS_MAX + 1 + limits.NAME_CHARACTERS_MAX

Tokens = Annotated[int, msgspec.Meta(ge=1, le=limits.TOKENS_MAX)]


class StreamOptions(msgspec.Struct):
    """What a client says of its stream."""

    include_usage: bool | None = None


def checked_model(model: str | None) -> str:
    """Return the model asked for, `islandrun/auto` by default. Raises `BadRequest`."""
    if len(model or "") > MODEL_CHARACTERS_MAX:
        raise BadRequest("model: longer than any name of a model", "model")
    return model or AUTO


def sampling(
    temperature: float | None,
    top_p: float | None,
    tokens: Iterable[int | None],
    stop: str | list[str] | None,
    seed: int | None,
) -> Sampling:
    """Return the settings; of several bounds on the answer the lowest counts. Raises `BadRequest`."""
    words = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(words) > limits.STOP_WORDS_MAX:
        raise BadRequest(f"stop: more than {limits.STOP_WORDS_MAX} entries", "stop")
    if any(len(word) > limits.STOP_WORD_CHARACTERS_MAX for word in words):
        raise BadRequest(f"stop: an entry is over {limits.STOP_WORD_CHARACTERS_MAX} characters", "stop")
    return Sampling(
        temperature=temperature,
        top_p=top_p,
        tokens_max=min((bound for bound in tokens if bound is not None), default=None),
        stop=tuple(word for word in words if word),
        seed=seed,
    )


def refuse_given(**fields: tuple[object, str]) -> None:
    """Refuse fields that would be lost silently: name -> what was given, and the remedy.

    `None`, false, zero and an empty value ask for nothing. Raises `BadRequest`, which names the field.
    """
    for name, (given, remedy) in fields.items():
        if given:
            raise BadRequest(f"{name}: {remedy}", name)
