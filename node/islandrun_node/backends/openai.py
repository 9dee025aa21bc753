"""Any server that speaks the OpenAI chat dialect, over HTTP: Ollama, vLLM, llama.cpp, a cloud API.

Address and key are given, never taken from the environment: a key must not travel to a proxy or to
another server. Redirects are not followed for the same reason. An answer counts as whole only when
the server gave a finish reason; `[DONE]` alone is also sent by servers that broke (vLLM does).
Replies of the server never enter an error text, since they may repeat the prompt.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from islandrun.errors import (
    ConfigError,
    ForwardFailed,
    Interrupted,
    MalformedMessage,
    Overloaded,
    Refused,
    Unreachable,
)
from islandrun.vocabulary import AnswerPiece, Finished, Load, ModelOffer, Prompt, Sampling
from islandrun_node.backends.load_meter import LoadMeter
from islandrun_node.backends.openai_format import AnswerReader, model_names, request_body
from islandrun_node.backends.sse import EventStream

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_SECONDS = 5.0
IDLE_TIMEOUT_SECONDS = 120.0
PROBE_TIMEOUT_SECONDS = 5.0
MODELS_MAX = 4_096
MODEL_LIST_BYTES_MAX = 4 << 20
RETRY_AFTER_SECONDS_MAX = 86_400


class OpenAiBackend:
    """One server at one URL, such as "http://127.0.0.1:11434/v1", with the models it is known to have.

    `key` is called for each request, so a sealed key is opened as late as possible. Plain HTTP is for
    loopback addresses only, unless `is_plain_http_allowed` says that the network between is trusted.
    Raises `ConfigError` for a URL that it will not use.
    """

    def __init__(
        self,
        url: str,
        models: tuple[ModelOffer, ...],
        key: Callable[[], str] | None = None,
        requests_max: int = 8,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        idle_timeout_seconds: float = IDLE_TIMEOUT_SECONDS,
        is_plain_http_allowed: bool = False,
    ) -> None:
        self._url = _checked_url(url, is_plain_http_allowed)
        self._models = models
        self._key = key
        self._connect_timeout_seconds = connect_timeout_seconds
        self._idle_timeout_seconds = idle_timeout_seconds
        self._meter = LoadMeter(requests_max)
        self._http: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"<OpenAiBackend {self._url}>"

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the models as they were configured."""
        return self._models

    def load(self) -> Load:
        """Return how many requests run and wait here, and the decayed mean times."""
        return self._meter.load()

    async def probe(self) -> tuple[str, ...]:
        """Ask the server for the names of its models, sorted. Raises the family of `ForwardFailed`."""
        async with self._translated(None), self._client().stream(
            "GET", f"{self._url}/models", headers=self._headers(), timeout=PROBE_TIMEOUT_SECONDS
        ) as response:
            _refuse_status(response, "")
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MODEL_LIST_BYTES_MAX:
                    raise MalformedMessage(f"the list of models is larger than {MODEL_LIST_BYTES_MAX} bytes")
            return model_names(bytes(content), MODELS_MAX)

    async def generate(
        self, model: str, prompt: Prompt, sampling: Sampling, data_sets: tuple[str, ...]
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Stream the server's answer; see `Backend.generate`. Refuses data sets: the server has none."""
        if data_sets:
            raise Refused("this server reads no data sets; an island with the documents must answer")
        if model not in {offer.name for offer in self._models}:
            raise Refused(f"the model {model[:64]!r} is not configured for this server")
        body = request_body(model, prompt, sampling)
        reader = AnswerReader(model, sum(len(message.text) for message in prompt.messages))
        async with self._meter.turn() as turn:
            async with self._translated(reader), self._client().stream(
                "POST", f"{self._url}/chat/completions", content=body, headers=self._headers()
            ) as response:
                _refuse_status(response, model)
                async for piece in self._pieces(response, reader):
                    turn.piece()
                    yield piece
            end = reader.finish()
            turn.tokens(end.usage.output_tokens)
            yield end

    async def close(self) -> None:
        """Close all connections; the backend is spent."""
        if self._http is not None:
            await self._http.aclose()

    async def _pieces(self, response: httpx2.Response, reader: AnswerReader) -> AsyncIterator[AnswerPiece]:
        stream = EventStream()
        last_event = time.monotonic()
        async for part in response.aiter_raw():
            events = stream.feed(part)
            for event in events:
                for piece in reader.read(event):
                    yield piece
                if reader.done:
                    return
            now = time.monotonic()
            if events:
                last_event = now
            elif now - last_event > self._idle_timeout_seconds:
                # Comments keep the connection awake; they must not keep a dead answer alive.
                raise reader.failure(f"the server sent nothing for {self._idle_timeout_seconds:g} s")

    def _client(self) -> httpx2.AsyncClient:
        import httpx2

        if self._http is None:
            timeout = httpx2.Timeout(
                connect=self._connect_timeout_seconds,
                read=self._idle_timeout_seconds,
                write=self._idle_timeout_seconds,
                pool=self._connect_timeout_seconds,
            )
            self._http = httpx2.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False)
        return self._http

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key()}"
        return headers

    @asynccontextmanager
    async def _translated(self, reader: AnswerReader | None) -> AsyncIterator[None]:
        """Turn the faults of HTTP and of the dialect into ours; `reader` knows whether pieces were given."""
        import httpx2

        started = reader is not None and reader.started
        try:
            yield
        except MalformedMessage as error:
            failure = ForwardFailed(f"the server answered with something unreadable: {error}")
            raise _after(reader, failure) from None
        except httpx2.TimeoutException as error:
            raise _after(reader, Unreachable(f"the server did not answer in time ({_kind(error)})")) from None
        except httpx2.HTTPError as error:
            if reader is not None and reader.is_complete:
                return
            raise _after(reader, Unreachable(f"no connection to the server ({_kind(error)})")) from None
