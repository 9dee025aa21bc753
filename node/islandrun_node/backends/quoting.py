"""What an engine that only quotes makes of a prompt: a question, a text to quote from, an answer.

Pure: vectors come in, positions and words go out. People write a wish and a text into one message
in many ways; the wish is looked for at the start of a message, then at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from islandrun.vocabulary import Prompt
from islandrun_node.backends.sentences import sentences

Vectors = npt.NDArray[np.float32]

# Between the best off-topic score (0.32) and the weakest right one (0.35) of the questions measured.
FITTING_COSINE_MIN = 0.33
NEAR_BEST_COSINE = 0.15
SAME_COSINE = 0.95
SHARED_WORD_COSINE = 0.15
SHARED_WORDS_MAX = 2
SENTENCE_WORDS_MIN = 4
QUOTES_MAX = 3
TEXT_SENTENCES_MAX = 400
TEXT_CHARS_MIN = 160
TEXT_CHARS_MAX = 200_000
LAST_SENTENCE_CHARS_MAX = 2_000
WISH_CHARS_MAX = 400

_POLITE = (
    r"(?:please|hi|hello|hey|now|and|can|could|would|will|you|i|we|want|need|help|me|us|to|like|just|then)"
)
_WISH = re.compile(
    rf"\W*(?:(?:{_POLITE}\W+){{0,6}}(?:summari[sz]e|summary|tl;?dr|sum|shorten|condense|reply|respond|answer"
    r"|write|draft|translate|explain|what|what's|who|whom|whose|when|where|which|why|how|list|find|tell"
    r"|rewrite|rephrase|extract|give|show|quote|describe|compare|check|review|proofread|fix|classify|polish"
    r"|read)|does|do|did|is|are|was|were|has|have|should)\b",
    re.IGNORECASE,
)
_WHOLE_TEXT = re.compile(
    r"summar|tl;?dr|sum (?:it |this |that )?up|shorten|condense|gist|(?:key|main) points?|reply|respond|draft"
    r"|translate|rewrite|rephrase|polish|proofread",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[([A-Z_]+)_\d+\]")
_CONTENT_WORD = re.compile(r"[^\W\d_]{4,}|\d{2,}")
_FRAMES = (
    "about does from have into just know mail mails message more said says some tell text that them then "
    "there they this what when where which whom whose will with would your"
)
_FRAME_WORDS = frozenset(_FRAMES.split(" "))
_LABEL = re.compile(r"([^\n:]{3,200}):\s")


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, and the sentences of the text that came with it (none when it came alone)."""

    question: str = field(repr=False)
    text: tuple[str, ...] = field(repr=False)

    @property
    def is_about_whole_text(self) -> bool:
        """Whether the wish has no topic of its own, such as "summarise this"."""
        return not self.question or _WHOLE_TEXT.search(self.question) is not None


def read_task(prompt: Prompt) -> Task:
    """Find question and text: in the last user message, or the text in the messages before it."""
    turns = [message for message in prompt.messages if message.role in ("user", "tool")]
    asked = next((index for index in range(len(turns) - 1, -1, -1) if turns[index].role == "user"), None)
    if asked is None:
        return Task("", ())
    question, rest = _wish_and_text(turns[asked].text)
    if found := _text_sentences(question, rest):
        return Task(question, found)
    if not question:
        question = turns[asked].text.strip()[:WISH_CHARS_MAX]
    earlier = [*reversed(turns[asked + 1 :]), *reversed(turns[:asked])]
    for message in earlier:
        wish, rest = ("-", message.text) if message.role == "tool" else _wish_and_text(message.text)
        if found := _text_sentences(wish, rest):
            return Task(question, found)
    return Task(question, ())


def comparable(sentence: str) -> str:
    """Return what of a sentence is compared: a placeholder counts as the word for what it hides."""
    return _PLACEHOLDER.sub(lambda found: found[1].lower().replace("_", " "), sentence)


def text_scores(task: Task, cosines: Sequence[float]) -> list[float]:
    """Return how well each sentence of the text fits: its cosine, more for a word of the question in it.

    Inside one text the words of a question are a strong sign; the cosine alone misses "the crates".
    """
    asked = _content_words(task.question)
    return [
        cosine + SHARED_WORD_COSINE * min(SHARED_WORDS_MAX, len(asked & _content_words(sentence)))
        for sentence, cosine in zip(task.text, cosines, strict=True)
    ]


def fitting(scores: Sequence[float]) -> tuple[int, ...]:
    """Return the places of the one to three scores that answer, best first; none when none is near."""
    best = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[:QUOTES_MAX]
    if not best or scores[best[0]] < FITTING_COSINE_MIN:
        return ()
    floor = max(FITTING_COSINE_MIN, scores[best[0]] - NEAR_BEST_COSINE)
    return tuple(index for index in best if scores[index] >= floor)


def central(vectors: Vectors) -> tuple[int, ...]:
    """Return the places of up to three sentences nearest to the middle of a text, in reading order."""
    middle = vectors.mean(axis=0)
    order = np.argsort(-(vectors @ middle), kind="stable")
    chosen: list[int] = []
    for index in map(int, order):
        if all(float(vectors[index] @ vectors[other]) < SAME_COSINE for other in chosen):
            chosen.append(index)
        if len(chosen) == QUOTES_MAX:
            break
    return tuple(sorted(chosen))


def answer_from_documents(quotes: Sequence[tuple[str, str]]) -> str:
    """Word an answer from (document, sentence) pairs; without any, say that nothing here answers."""
    if not quotes:
        return (
            "No document here answers this.\n\nThis island quotes documents; no language model is attached."
        )
    lines = [
        f'{document}: "{sentence}" [{mark}]' for mark, (document, sentence) in enumerate(quotes, start=1)
    ]
    return "\n".join(lines) + "\n\nQuoted from documents on this island; no language model wrote this."


def answer_from_text(task: Task, places: Sequence[int]) -> str:
    """Word an answer from the sentences of the request's own text."""
    if not places:
        return (
            "Nothing in the text you sent answers this.\n\n"
            "This island quotes texts; no language model is attached."
        )
    lead = "The sentences at the centre of your text:" if task.is_about_whole_text else "Your text says:"
    lines = [f'"{task.text[place]}"' for place in places]
    return "\n".join([lead, *lines]) + "\n\nQuoted from your text; no language model wrote this."


NOTHING_TO_QUOTE = (
    "No language model is attached to this island. It can only quote documents, and this request names no "
    "documents and brings no text to quote from."
)


def _wish_and_text(message: str) -> tuple[str, str]:
    """Split a message into what is asked (empty when that is not said) and the text it is about."""
    message = message[:TEXT_CHARS_MAX].strip()
    label = _LABEL.match(message)
    if label and _is_wish(label[1]):
        return label[1].strip(), message[label.end() :]
    first, _, after = message.partition("\n")
    if _is_wish(first):
        return _first_sentence(first, after)
    before, _, last = message.rpartition("\n")
    if before and _is_wish(last):
        return last.strip(), before
    told = list(sentences(message)) if len(message) <= LAST_SENTENCE_CHARS_MAX else []
    if len(told) > 1 and _is_wish(told[-1]):
        return told[-1], " ".join(told[:-1])
    return "", message


def _is_wish(line: str) -> bool:
    line = line.strip()
    if _WISH.match(line):
        return True
    return line.endswith("?") and len(line) <= WISH_CHARS_MAX and len(list(sentences(line))) == 1


def _first_sentence(line: str, after: str) -> tuple[str, str]:
    """Split a line that begins with a wish: its first sentence, or all of it when that is short."""
    if len(line) <= WISH_CHARS_MAX and after.strip():
        return line.strip(), after
    first = next(sentences(line), None)
    if first is None or not line.startswith(first):
        return line.strip()[:WISH_CHARS_MAX], after
    return first[:WISH_CHARS_MAX], f"{line[len(first) :]}\n{after}"


def _text_sentences(wish: str, text: str) -> tuple[str, ...]:
    """Return the sentences of a text that is long enough to quote from, else nothing."""
    found = tuple(islice(sentences(text[:TEXT_CHARS_MAX]), TEXT_SENTENCES_MAX))
    if len(found) < _sentences_needed(wish, sum(map(len, found))):
        return ()
    whole = tuple(one for one in found if len(one.split()) >= SENTENCE_WORDS_MIN)
    return whole if len(whole) >= QUOTES_MAX else found


def _sentences_needed(wish: str, chars: int) -> int:
    """Return how many sentences make a text: fewer when the wish says that there is one."""
    if wish and (chars >= TEXT_CHARS_MIN or _WHOLE_TEXT.search(wish)):
        return 1
    return 2 if wish else 3


def _content_words(text: str) -> set[str]:
    """Return the words that carry meaning, by their first six letters so that endings do not matter."""
    words = {word.lower() for word in _CONTENT_WORD.findall(text)}
    return {word[:6] for word in words - _FRAME_WORDS}
