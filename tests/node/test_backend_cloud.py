"""The demo's cloud as a real process: its answers, and its record byte for byte."""

import asyncio
import json
import stat
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from islandrun.errors import Refused
from islandrun.vocabulary import Finished, Message, ModelOffer, Ppm, Prompt, Sampling, TextDelta
from islandrun_node.backends.openai import OpenAiBackend

pytestmark = pytest.mark.slow
MODELS = (ModelOffer("demo-cloud", 32_768, Ppm(400_000)), ModelOffer("other", 1, Ppm(1)))


@asynccontextmanager
async def cloud(record: Path, *options: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "islandrun_node.demo.cloud",
        "--port",
        "0",
        "--log",
        str(record),
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert ready["port"] > 0
        yield ready["url"]
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) in (0, -15)


async def ask(backend: OpenAiBackend, text: str, model: str = "demo-cloud", sampling=Sampling()) -> list:
    return [piece async for piece in backend.generate(model, Prompt((Message("user", text),)), sampling, ())]


async def post(url: str, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/")[0]))
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


def request(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: x", b"Connection: close", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


async def test_it_answers_and_records_every_byte(tmp_path):
    record = tmp_path / "received.bin"
    async with cloud(record, "--key", "k-9") as url:
        backend = OpenAiBackend(url, MODELS, key=lambda: "k-9")
        assert await backend.probe() == ("demo-cloud",)
        *pieces, end = await ask(backend, "What is the capital of Australia?")
        assert "Canberra" in "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))
        assert isinstance(end, Finished)
        assert end.usage.output_tokens > 5
        *_, cut = await ask(backend, "Why is the sky blue?", sampling=Sampling(tokens_max=3))
        assert cut.reason == "length"
        with pytest.raises(Refused, match="'other'"):
            await ask(backend, "hello", "other")
        stranger = OpenAiBackend(url, MODELS, key=lambda: "wrong")
        with pytest.raises(Refused, match="key"):
            await ask(stranger, "José asks")
        raw = request('{"model": "demo-cloud", "odd":  "ünïcode"'.encode(), b"X-Odd: Header")
        before = record.read_bytes()
        assert b"401" in await post(url, raw)
        assert record.read_bytes() == before + raw
        await backend.close()
        await stranger.close()
    received = record.read_bytes()
    for part in (
        b"POST /v1/chat/completions HTTP/1.1",
        b"capital of Australia",
        b"Bearer k-9",
        "José".encode(),
    ):
        assert part in received
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


async def test_a_whole_answer_and_bad_requests(tmp_path):
    async with cloud(tmp_path / "received.bin") as url:
        body = {
            "model": "demo-cloud",
            "response_format": None,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Why is the sky blue?"}]}],
        }
        head, _, answer = (await post(url, request(json.dumps(body).encode()))).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        whole = json.loads(answer)
        assert "scatters blue light" in whole["choices"][0]["message"]["content"]
        assert "no language model" in whole["choices"][0]["message"]["content"]
        assert whole["usage"]["total_tokens"] > 10
        for bad in (b"{", b'{"model": "demo-cloud", "messages": []}', b"[]", b"\xff"):
            assert b"400" in (await post(url, request(bad))).splitlines()[0]


async def test_it_appends_to_a_record_and_makes_it_private(tmp_path):
    record = tmp_path / "received.bin"
    record.write_bytes(b"before")
    record.chmod(0o644)
    async with cloud(record) as url:
        await post(url, request(b"{}"))
    assert record.read_bytes().startswith(b"beforePOST ")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
