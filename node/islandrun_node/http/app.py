"""The door as one ASGI application: every route of it, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from islandrun_node.http.chat_body import read_chat
from islandrun_node.http.completions import read_completion
from islandrun_node.http.embeddings import EmbeddingsEndpoint, SentenceModel
from islandrun_node.http.endpoint import Door, Endpoint
from islandrun_node.http.guard import Guard
from islandrun_node.http.meters import Meters
from islandrun_node.http.problems import Problem, unknown_model
from islandrun_node.http.responses_body import read_response
from islandrun_node.local_callers import KeyNames, no_keys

PATHS: Final = (
    "/v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings, /v1/models, /healthz and /metrics"
)

if TYPE_CHECKING:
    from islandrun_node.config_tables import Limits
    from islandrun_node.outlook import Outlook
    from islandrun_node.request import Requests


def build_app(
    requests: Requests,
    outlook: Outlook,
    sentences: SentenceModel,
    token: str,
    limits: Limits,
    registry: CollectorRegistry,
    key_name: KeyNames = no_keys,
) -> Starlette:
    """Return the door of one node; `registry` is a fresh one that only this door fills.

    `key_name` knows the client keys that may ask beside the node's own token.
    """
    door = Door(requests, outlook, Meters(registry, outlook), limits.body_bytes_max)
    listed = _Models(door, sentences)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", Endpoint(door, read_chat), methods=["POST"]),
            Route("/v1/completions", Endpoint(door, read_completion), methods=["POST"]),
            Route("/v1/responses", Endpoint(door, read_response), methods=["POST"]),
            Route("/v1/embeddings", EmbeddingsEndpoint(door, sentences), methods=["POST"]),
            Route("/v1/models", listed.all, methods=["GET"]),
            Route("/v1/models/{name:path}", listed.one, methods=["GET"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Route("/metrics", _Metrics(registry).all, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, token=token, key_name=key_name)],
        exception_handlers={HTTPException: _http_error},
    )


class _Models:
    """The two endpoints on models."""

    def __init__(self, door: Door, sentences: SentenceModel) -> None:
        self._door = door
        self._sentences = sentences

    async def all(self, request: Request) -> Response:
        """List the names a client may ask for."""
        return _json({"object": "list", "data": [self._model(name) for name in self._names()]})

    async def one(self, request: Request) -> Response:
        """Return one model, or 404."""
        name = request.path_params["name"]
        names = self._names()
        if name not in names and not ("@" in name and name.rpartition("@")[0] in names):
            return unknown_model().response()
        return _json(self._model(name))

    def _names(self) -> tuple[str, ...]:
        return (*self._door.requests.models(), self._sentences.offer().name)

    def _model(self, name: str) -> dict[str, object]:
        created = self._door.outlook.started.wall_ms // 1000
        return {"id": name, "object": "model", "created": created, "owned_by": "islandrun"}


async def _healthz(request: Request) -> Response:
    return _json({"status": "ok"})


class _Metrics:
    """The endpoint for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def all(self, request: Request) -> Response:
        """Return all figures; on the event loop, where the view of the mesh lives."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


def _json(content: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer what the router turns away: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    headers = tuple((error.headers or {}).items())
    text = f"{error.detail}: this door has {PATHS}"
    return Problem(error.status_code, text, "invalid_request_error", code, headers=headers).response()
