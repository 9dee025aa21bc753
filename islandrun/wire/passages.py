"""Questions to the holder of data sets, the passages it gives, and citations, to and from the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from islandrun.v1 import inference_pb2
from islandrun.vocabulary import PPM_MAX, Citation, Passage, Ppm
from islandrun.wire import limits
from islandrun.wire.attestations import check_jurisdiction, check_name
from islandrun.wire.checks import require, require_count

MARKS_MAX: Final = limits.PASSAGES_MAX


def check_question(message: inference_pb2.FindPassagesRequest) -> None:
    """Check a question to a holder. Raises `MalformedMessage`."""
    size = len(message.question)
    require(0 < size <= limits.QUESTION_CHARACTERS_MAX, "question", "is empty or too long")
    require(0 < message.passages_max <= limits.PASSAGES_MAX, "passages_max", "is not within its limit")
    _check_names(message.data_sets)


def passage_to_wire(passage: Passage) -> inference_pb2.Passage:
    """Return a passage in its form on the wire."""
    return inference_pb2.Passage(
        data_set=passage.data_set,
        document=_valid(passage.document),
        text=_valid(passage.text),
        score_ppm=passage.score_ppm,
        section=_valid(passage.section),
    )


def passages_from_wire(
    message: inference_pb2.FindPassagesResponse, asked: Sequence[str]
) -> tuple[tuple[Passage, ...], dict[str, tuple[Ppm, str]]]:
    """Read passages, and by data set the trust its reader needs and its jurisdiction.

    Raises `MalformedMessage`, also when a data set that was asked for has no bound or another has passages.
    """
    require_count(message.passages, limits.PASSAGES_MAX, "passages")
    require_count(message.bounds, limits.DATA_SETS_MAX, "bounds")
    bounds: dict[str, tuple[Ppm, str]] = {}
    for bound in message.bounds:
        require(bound.sensitivity_ppm <= PPM_MAX, "bounds.sensitivity_ppm", "is over 1,000,000")
        if bound.jurisdiction:
            check_jurisdiction(bound.jurisdiction, "bounds.jurisdiction")
        bounds[bound.data_set] = (Ppm(bound.sensitivity_ppm), bound.jurisdiction)
    require(set(bounds) == set(asked), "bounds", "do not name the data sets that were asked for")
    return tuple(_passage_from_wire(passage, bounds) for passage in message.passages), bounds


def found_to_wire(
    passages: Sequence[Passage], bounds: Mapping[str, tuple[Ppm, str]]
) -> inference_pb2.FindPassagesResponse:
    """Return what was found in its form on the wire."""
    return inference_pb2.FindPassagesResponse(
        passages=map(passage_to_wire, passages),
        bounds=[
            inference_pb2.DataSetBound(data_set=name, sensitivity_ppm=sensitivity, jurisdiction=place)
            for name, (sensitivity, place) in sorted(bounds.items())
        ],
    )


def citation_to_wire(citation: Citation) -> inference_pb2.Citation:
    """Return a citation in its form on the wire."""
    return inference_pb2.Citation(
        mark=citation.mark,
        data_set=citation.data_set,
        document=_valid(citation.document),
        section=_valid(citation.section),
        score_ppm=citation.score_ppm,
        is_cited=citation.is_cited,
    )


def citations_from_wire(messages: Sequence[inference_pb2.Citation]) -> tuple[Citation, ...]:
    """Read the citations of an answer. Raises `MalformedMessage`."""
    require_count(messages, MARKS_MAX, "citations")
    for message in messages:
        require(0 < message.mark <= MARKS_MAX, "citations.mark", "is not within its limit")
        check_name(message.data_set, "citations.data_set")
        _check_source(message.document, message.section, message.score_ppm)
    return tuple(
        Citation(
            message.mark,
            message.data_set,
            message.document,
            message.section,
            Ppm(message.score_ppm),
            message.is_cited,
        )
        for message in messages
    )


def _passage_from_wire(message: inference_pb2.Passage, bounds: dict[str, tuple[Ppm, str]]) -> Passage:
    require(message.data_set in bounds, "passages.data_set", "was not asked for")
    require(len(message.text) <= limits.PASSAGE_CHARACTERS_MAX, "passages.text", "is too long")
    _check_source(message.document, message.section, message.score_ppm)
    return Passage(message.data_set, message.document, message.text, Ppm(message.score_ppm), message.section)


def _check_source(document: str, section: str, score_ppm: int) -> None:
    require(len(document) <= limits.DOCUMENT_CHARACTERS_MAX, "document", "is too long")
    require(len(section) <= limits.SECTION_CHARACTERS_MAX, "section", "is too long")
    require(score_ppm <= PPM_MAX, "score_ppm", "is over 1,000,000")


def _check_names(names: Sequence[str]) -> None:
    require_count(names, limits.DATA_SETS_MAX, "data_sets")
    require(len(names) > 0, "data_sets", "is empty")
    require(len(set(names)) == len(names), "data_sets", "names one twice")
    for name in names:
        check_name(name, "data_sets")


def _valid(text: str) -> str:
    """Return text that can be encoded: half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
