"""The extractive engine with its real model: vectors, answers, limits, cancellation."""

import asyncio
import shutil
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from islandrun.errors import Refused, StateError, Unreachable
from islandrun.vocabulary import Finished, Message, Prompt, Sampling, TextDelta, ToolDefinition
from islandrun_node.backends.embedded import EmbeddedBackend
from islandrun_node.backends.embedder import Embedder
from islandrun_node.demo import DOCUMENTS
from islandrun_node.stores.documents import DocumentIndex

FREE = Sampling()
MAIL = (
    "[PERSON_1] from [ORG_1] called about the delivery of order 4711. The pallets arrived on Tuesday, but "
    "two of the twelve crates were wet. He asks for a replacement by the end of the month."
)
OFFICE_QUESTIONS = [
    ("How many days of holiday do I get?", "28 days"),
    ("When do unused vacation days expire?", "end of March"),
    ("What is the hotel limit?", "140 euros"),
    ("What do I do if I lose my laptop?", "within one hour"),
    ("When is payday?", "27th"),
    ("What is the budget for courses?", "1,200 euros"),
    ("How much is on-call duty paid?", "250 euros"),
    ("Can I bring my dog?", "Dogs are welcome"),
    ("Is overtime paid?", "time off within three months"),
    ("How long is parental leave?", "sixteen weeks"),
]
OFF_TOPIC = [
    "Who was the first emperor of Rome?",
    "How do I bake a chocolate cake?",
    "Write a poem about the sea.",
    "What is the capital of France?",
    "How tall is Mount Everest?",
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="module")
def documents(embedder: Embedder):
    index = DocumentIndex(":memory:", embedder)
    for name in ("office", "laptop", "world"):
        index.add_folder(name, DOCUMENTS / name)
    yield index
    index.close()


@pytest.fixture
async def engine(embedder: Embedder, documents: DocumentIndex) -> EmbeddedBackend:
    return EmbeddedBackend(embedder, documents)


def user(text: str) -> Prompt:
    return Prompt((Message("user", text),))


async def pieces_of(engine: EmbeddedBackend, prompt: Prompt, sampling=FREE, data_sets=()) -> list:
    async with aclosing(engine.generate("extractive", prompt, sampling, data_sets)) as pieces:
        return [piece async for piece in pieces]


async def ask(engine: EmbeddedBackend, text: str, sampling=FREE, data_sets=()) -> tuple[str, Finished]:
    *pieces, end = await pieces_of(engine, user(text), sampling, data_sets)
    assert isinstance(end, Finished)
    assert all(isinstance(piece, TextDelta) for piece in pieces)
    return "".join(piece.text for piece in pieces), end


def test_vectors_have_length_one_and_know_meaning_from_spelling(embedder):
    vectors = embedder.embed(
        ["How long is the probation?", "The trial period is six months.", "A blue whale swims."]
    )
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_a_vector_does_not_depend_on_its_neighbours(embedder):
    alone = embedder.embed(["The lease ends in August."])[0]
    among = embedder.embed(["x " * 500, "The lease ends in August.", ""])[1]
    assert (alone == among).all()


def test_no_texts_and_endless_texts_are_fine(embedder):
    assert embedder.embed([]).shape == (0, 384)
    assert np.isfinite(embedder.embed(["a" * 1_000_000, "\0 \ud800 🏝"])).all()
    assert embedder.count_tokens("word " * 100_000) == pytest.approx(100_000, rel=0.01)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_or_missing_model_is_named_with_the_remedy(tmp_path, name):
    folder = Path(shutil.copytree(Path(DOCUMENTS).parents[1] / "backends" / "minilm", tmp_path / "minilm"))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(StateError, match=rf"{name} is damaged.*install islandrun again"):
        Embedder(folder).embed(["x"])
    (folder / name).unlink()
    with pytest.raises(StateError, match=rf"{name} cannot be read.*install islandrun again"):
        Embedder(folder).embed(["x"])


async def test_a_model_that_cannot_be_read_makes_the_engine_unreachable(tmp_path):
    with pytest.raises(Unreachable, match="install islandrun again"):
        await ask(EmbeddedBackend(Embedder(tmp_path)), "Hello?")


@pytest.mark.parametrize(("question", "answer"), OFFICE_QUESTIONS)
async def test_questions_find_their_sentence_in_the_handbook(engine, question, answer):
    text, end = await ask(engine, question, data_sets=("office",))
    assert answer in text.splitlines()[0]
    assert ".md:" in text.splitlines()[0]
    assert text.splitlines()[-1].endswith("no language model wrote this.")
    assert end.reason == "stop"
    assert end.usage.input_tokens > 0
    assert end.usage.output_tokens > 0


@pytest.mark.parametrize("question", OFF_TOPIC)
async def test_what_no_document_answers_is_said_to_be_unanswered(engine, question):
    text, _ = await ask(engine, question, data_sets=("office",))
    assert text.startswith("No document here answers this.")
    assert "no language model" in text


async def test_the_same_question_gives_the_same_pieces(engine):
    first = await pieces_of(engine, user("When is payday?"), FREE, ("office",))
    assert await pieces_of(engine, user("When is payday?"), FREE, ("office",)) == first
    assert len(first) > 4


async def test_several_data_sets_are_searched_together(engine):
    text, _ = await ask(engine, "When does the lease end?", data_sets=("office", "laptop"))
    assert "August" in text.splitlines()[0]


async def test_the_text_of_the_request_is_quoted_and_placeholders_stay_whole(engine):
    text, _ = await ask(engine, f"Summarise this mail:\n\n{MAIL}")
    assert "[PERSON_1] from [ORG_1] called about the delivery of order 4711." in text
    text, _ = await ask(engine, f"What does it say about the crates?\n{MAIL}")
    assert "twelve crates were wet" in text
    assert "replacement" not in text
    text, _ = await ask(engine, f"What does the mail say about football?\n{MAIL}")
    assert text.startswith("Nothing in the text you sent answers this.")


async def test_with_nothing_to_quote_it_says_what_it_cannot_do(engine):
    text, _ = await ask(engine, "What is the capital of Australia?")
    assert text.startswith("No language model is attached to this island. It can only quote documents")


async def test_default_data_sets_answer_when_the_request_brings_nothing(embedder, documents):
    engine = EmbeddedBackend(embedder, documents, data_sets_default=("world",))
    text, _ = await ask(engine, "I moved to Bern. What is the capital of Australia?")
    assert "Canberra" in text


async def test_tokens_max_cuts_between_words_and_says_length(engine, embedder):
    whole, _ = await ask(engine, f"Summarise this mail:\n\n{MAIL}")
    for tokens_max in range(30):
        text, end = await ask(engine, f"Summarise this mail:\n\n{MAIL}", Sampling(tokens_max=tokens_max))
        assert end.reason == "length"
        assert end.usage.output_tokens == embedder.count_tokens(text) <= tokens_max
        assert whole.startswith(text)
        assert whole[len(text)].isspace() or not text
        assert text.count("[") == text.count("]")


async def test_a_stop_word_ends_the_answer_before_it(engine):
    text, end = await ask(engine, "When is payday?", Sampling(stop=("27th", "")), ("office",))
    assert text.endswith("paid on the ")
    assert end.reason == "stop"


@pytest.mark.parametrize(
    ("model", "prompt", "data_sets", "says"),
    [
        ("gpt", user("Hi"), (), "no model 'gpt'"),
        ("extractive", user("Hi"), ("secret-plans",), "no data set 'secret-plans'"),
        ("extractive", Prompt(user("Hi").messages, response_format='{"type":"json_object"}'), (), "JSON"),
        ("extractive", Prompt(user("Hi").messages, response_format="{"), (), "JSON"),
        ("extractive", Prompt(user("Hi").messages, (ToolDefinition("t", "", "{}"),), "required"), (), "tool"),
    ],
)
async def test_what_quotes_cannot_do_is_refused(engine, model, prompt, data_sets, says):
    with pytest.raises(Refused, match=says):
        await anext(engine.generate(model, prompt, FREE, data_sets))


async def test_plain_text_and_free_tool_choice_are_no_demand(engine):
    prompt = Prompt(user("Hi").messages, (ToolDefinition("t", "", "{}"),), "auto", '{"type":"text"}')
    assert isinstance((await pieces_of(engine, prompt))[-1], Finished)


async def test_the_offer_is_marked_as_extractive_and_free(engine):
    (offer,) = engine.offers()
    assert (offer.name, offer.context_tokens_max, offer.quality_ppm) == ("extractive", 32_768, 400_000)
    assert offer.is_extractive
    assert offer.input_price_microusd == offer.output_price_microusd == 0


async def test_cancelling_stops_the_work_soon(embedder):
    class Counting(Embedder):
        portions = 0

        def embed(self, texts):
            self.portions += 1
            if self.portions == 2:
                loop.call_soon_threadsafe(at_work.set)
            return super().embed(texts)

    loop, at_work = asyncio.get_running_loop(), asyncio.Event()
    counting = Counting()
    long_text = "Summarise this:\n" + " ".join(f"Sentence number {n} speaks of the sea." for n in range(400))
    answering = asyncio.create_task(ask(EmbeddedBackend(counting), long_text))
    await asyncio.wait_for(at_work.wait(), 10)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    seen = counting.portions
    await asyncio.sleep(0.1)
    assert counting.portions <= seen + 1 < 25


async def test_the_event_loop_stays_free_while_the_model_works(engine):
    long_text = "Summarise this:\n" + " ".join(f"Sentence number {n} speaks of the sea." for n in range(200))
    answering = asyncio.create_task(ask(engine, long_text))
    turns = 0
    while not answering.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
