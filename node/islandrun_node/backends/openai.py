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
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from islandrun.errors import (
    ConfigError,
    ForwardFailed,
    Interrupted,
    MalformedMessage,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from islandrun.vocabulary import AnswerPiece, ModelOffer, Prompt, Sampling
from islandrun_node.backends.openai_format import AnswerReader, model_names, request_body
from islandrun_node.backends.sse import EventStream

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_SECONDS = 5.0
IDLE_TIMEOUT_SECONDS = 120.0
PROBE_TIMEOUT_SECONDS = 5.0
MODELS_MAX = 4_096
MODEL_LIST_BYTES_MAX = 4 << 20


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
        self._requests_max = requests_max
        self._http: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"<OpenAiBackend {self._url}>"

    def offers(self) -> tuple[ModelOffer, ...]:
        """Return the models as they were configured."""
        return self._models

    async def probe(self) -> tuple[str, ...]:
        """Ask the server for the names of its models, sorted. Raises the family of `ForwardFailed`."""
        async with self._stream(None, "GET", "/models", None) as response:
            _refuse_status(response, "")
            content = bytearray()
            async with aclosing(response.aiter_raw()) as parts:
                async for part in parts:
                    content += part
                    if len(content) > MODEL_LIST_BYTES_MAX:
                        raise MalformedMessage(f"the list of models is above {MODEL_LIST_BYTES_MAX} bytes")
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
        async with self._stream(reader, "POST", "/chat/completions", body) as response:
            _refuse_status(response, model)
            async with aclosing(self._pieces(response, reader)) as pieces:
                async for piece in pieces:
                    yield piece
        yield reader.finish()

    async def close(self) -> None:
        """Close all connections; the backend is spent."""
        if self._http is not None:
            await self._http.aclose()

    async def _pieces(
        self, response: httpx2.Response, reader: AnswerReader
    ) -> AsyncGenerator[AnswerPiece, None]:
        """Yield pieces until the stream ends or says that it is done."""
        stream = EventStream()
        last_event = time.monotonic()
        async with aclosing(response.aiter_raw()) as parts:
            async for part in parts:
                events = stream.feed(part)
                for event in events:
                    for piece in reader.read(event):
                        yield piece
                    if reader.done:
                        return
                if events:
                    last_event = time.monotonic()
                elif time.monotonic() - last_event > self._idle_timeout_seconds:
                    # Comments keep the connection awake; they must not keep a dead answer alive.
                    raise reader.failure(f"the server sent no event for {self._idle_timeout_seconds:g} s")

    @asynccontextmanager
    async def _stream(
        self, reader: AnswerReader | None, method: str, path: str, body: bytes | None
    ) -> AsyncIterator[httpx2.Response]:
        """Open a response and turn the faults of HTTP and of the dialect into ours.

        `reader` knows whether pieces were given; a break after the finish reason is no fault.
        """
        import httpx2

        timeout = httpx2.Timeout(
            connect=self._connect_timeout_seconds,
            read=self._idle_timeout_seconds if body else PROBE_TIMEOUT_SECONDS,
            write=self._idle_timeout_seconds,
            pool=self._connect_timeout_seconds,
        )
        headers = self._headers()
        try:
            async with self._client().stream(
                method, self._url + path, content=body, headers=headers, timeout=timeout
            ) as response:
                yield response
        except MalformedMessage as error:
            raise _failure(reader, ForwardFailed(f"the server's answer is not readable: {error}")) from None
        except httpx2.TimeoutException as error:
            what = f"the server did not answer in time ({type(error).__name__})"
            has_begun = not isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
            raise _failure(reader, TooSlow(what) if has_begun else Unreachable(what)) from None
        except httpx2.HTTPError as error:
            if reader is None or not reader.is_complete:
                what = f"the connection to the server failed ({type(error).__name__})"
                raise _failure(reader, Unreachable(what)) from None

    def _client(self) -> httpx2.AsyncClient:
        import httpx2

        if self._http is None:
            limits = httpx2.Limits(max_connections=self._requests_max + 2, max_keepalive_connections=8)
            self._http = httpx2.AsyncClient(limits=limits, trust_env=False, follow_redirects=False)
        return self._http

    def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if self._key is not None:
            key = self._key()
            if not key or not key.isascii() or not key.isprintable():
                raise Refused("the key for this server is empty or not plain ASCII; store it again")
            headers["authorization"] = f"Bearer {key}"
        return headers


def _checked_url(url: str, is_plain_http_allowed: bool) -> str:
    """Return a usable base URL without a slash at its end; no error text repeats the URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("the URL of a backend is not valid; write it like https://host/v1") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError("the URL of a backend is not valid; write it like https://host/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigError("the URL of a backend holds a user, key, query or '#'; give the key separately")
    if parts.scheme == "http" and not is_plain_http_allowed and not _is_loopback(host):
        raise ConfigError(
            f"the backend at {host} would get prompts unencrypted; use https, or run a node on that machine"
        )
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_status(response: httpx2.Response, model: str) -> None:
    """Let an answer through; turn a refusal of the server into ours, from its status alone."""
    status = response.status_code
    if status == 200:
        if model and response.headers.get("content-type", "").startswith("application/json"):
            raise ForwardFailed("the server did not stream its answer; it cannot be used")
        return
    if status == 429:
        seconds = _retry_seconds(response)
        after = f", retry after {seconds} s" if seconds is not None else ""
        raise Overloaded(f"the server has no room now (HTTP 429{after})", 1 if seconds is None else seconds)
    if status >= 500 or status == 408:
        raise Unreachable(f"the server failed (HTTP {status})")
    raise Refused(_refusal(status, model))


def _refusal(status: int, model: str) -> str:
    if status in (401, 403):
        return f"the server does not accept the key (HTTP {status}); store the right one"
    if status == 404 and model:
        return f"the server knows no model {model[:64]!r} at this URL (HTTP 404)"
    if 300 <= status < 400:
        return f"the server sends us elsewhere (HTTP {status}), which is not followed; correct the URL"
    return f"the server does not take the request (HTTP {status})"


def _retry_seconds(response: httpx2.Response) -> int | None:
    seconds = response.headers.get("retry-after", "")
    return int(seconds) if seconds.isdecimal() and seconds.isascii() and len(seconds) <= 5 else None


def _failure(reader: AnswerReader | None, before_first_piece: ForwardFailed) -> ForwardFailed:
    if reader is not None and reader.started:
        return Interrupted(f"the answer broke off: {before_first_piece}")
    return before_first_piece
