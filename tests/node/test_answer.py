"""An answer on its way back: originals restored in text and tool calls, stop words where they are seen."""

from collections.abc import AsyncGenerator

from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.privacy.sanitize import sanitize
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import AnswerPiece, Finished, Message, Ppm, Prompt, TextDelta, ToolCallDelta, Usage
from islandrun_node.answer import StopWords, restored

END = Finished("stop", Usage(3, 4), "m")
CARD = "4111 1111 1111 1111"


def vault() -> Vault:
    """Return a vault in which [CARD_1] stands for a card."""
    made, prompt = Vault(), Prompt((Message("user", f"the card {CARD} is declined"),))
    sanitize(prompt, assess(prompt), Ppm(400_000), made)
    return made


async def read(pieces: list[AnswerPiece], stop: tuple[str, ...] = ()) -> list[AnswerPiece]:
    async def source() -> AsyncGenerator[AnswerPiece]:
        for piece in pieces:
            yield piece

    return [piece async for piece in restored(source(), vault(), stop)]


def text_of(pieces: list[AnswerPiece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


async def test_a_placeholder_cut_in_pieces_comes_back_whole() -> None:
    shown = await read([TextDelta(piece) for piece in ("pay with [CA", "RD", "_1]", "!")] + [END])
    assert text_of(shown) == f"pay with {CARD}!"
    assert shown[-1] == END


async def test_each_tool_call_is_restored_by_itself() -> None:
    pieces = [
        ToolCallDelta(0, "a", "pay", '{"card": "[CAR'),
        ToolCallDelta(1, "b", "log", '{"x": "[CARD_9]"}'),
        ToolCallDelta(0, arguments='D_1]"}'),
        END,
    ]
    shown = [piece for piece in await read(pieces) if isinstance(piece, ToolCallDelta)]
    arguments = ["".join(piece.arguments for piece in shown if piece.index == index) for index in (0, 1)]
    assert arguments == [f'{{"card": "{CARD}"}}', '{"x": "[CARD_9]"}']
    assert [(piece.id, piece.name) for piece in shown if piece.id] == [("a", "pay"), ("b", "log")]


async def test_a_stop_word_that_only_the_reader_sees_ends_the_answer() -> None:
    shown = await read([TextDelta("use [CARD_1] now"), TextDelta(" and later"), END], (" 1111 n",))
    assert text_of(shown) == "use 4111 1111 1111"
    assert isinstance(shown[-1], Finished)
    assert shown[-1].reason == "stop"


async def test_what_was_held_back_is_shown_at_the_end() -> None:
    shown = await read([TextDelta("ends with [CARD"), END], ("never",))
    assert text_of(shown) == "ends with [CARD"


@given(
    st.text(alphabet="ab ", max_size=40),
    st.lists(st.text(alphabet="ab", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(1, 4), max_size=40),
)
@settings(deadline=None, max_examples=300, derandomize=True)
def test_stop_words_cut_where_the_whole_text_would_be_cut(
    text: str, words: list[str], cuts: list[int]
) -> None:
    stop, shown, at = StopWords(tuple(words)), "", 0
    for size in [*cuts, len(text)]:
        shown += stop.feed(text[at : at + size])
        at += size
        if stop.hit:
            break
    shown += "" if stop.hit else stop.finish()
    places = [place for word in words if (place := text.find(word)) >= 0]
    assert shown == (text[: min(places)] if places else text) or _ends_earlier(text, words, shown)


def _ends_earlier(text: str, words: list[str], shown: str) -> bool:
    """Allow a longer word that begins before a shorter one, which a stream cannot wait for."""
    return any(text.startswith(shown) and text[len(shown) :].startswith(word) for word in words)
