"""No door without a canary: every route of HTTP and every method of gRPC is in the table of doors."""

import importlib
import pkgutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import islandrun.v1
from islandrun.vocabulary import ModelOffer, Ppm
from islandrun_node.config_tables import Limits
from islandrun_node.http import chat_body, completions, embeddings, responses_body
from islandrun_node.http.app import PATHS, build_app
from tests.end_to_end import doors
from tests.end_to_end.canaries import Canaries


def app() -> Starlette:
    sentences = SimpleNamespace(offer=lambda: ModelOffer("letters", 1, Ppm(0)))
    outlook = SimpleNamespace(me="m" * 52)
    return build_app(SimpleNamespace(), outlook, sentences, "t", Limits(), CollectorRegistry())


def http_doors(built: Starlette) -> set[str]:
    """Name every route; anything that is no plain route, such as a mount, has doors nobody counts."""
    assert all(type(route) is Route for route in built.routes)
    return {f"{method} {route.path}" for route in built.routes for method in route.methods - {"HEAD"}}


def grpc_doors() -> set[str]:
    """Name every method of every service in the protocol."""
    names = [module.name for module in pkgutil.iter_modules(islandrun.v1.__path__)]
    files = [importlib.import_module(f"islandrun.v1.{name}") for name in names if name.endswith("_pb2")]
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    return {f"{service.full_name}/{method.name}" for service in services for method in service.methods}


def test_every_route_has_its_canaries() -> None:
    assert http_doors(app()) == set(doors.HTTP_DOORS)
    assert all(doors.HTTP_DOORS.values())


def test_every_method_has_its_canaries() -> None:
    assert grpc_doors() == set(doors.GRPC_DOORS) | set(doors.PIPES)
    assert all((Path(doors.__file__).parent / test).exists() for test in doors.PIPES.values())
    assert all(doors.GRPC_DOORS.values())


def test_a_new_door_without_canaries_is_noticed() -> None:
    built = app()
    built.router.routes.append(Route("/v1/moderations", lambda _: Response(), methods=["POST"]))
    assert http_doors(built) - set(doors.HTTP_DOORS) == {"POST /v1/moderations"}


def test_the_answer_to_a_wrong_path_names_every_door() -> None:
    paths = {route.path for route in app().routes if "{" not in route.path}
    assert {word.strip(",") for word in PATHS.split() if word.startswith("/")} == paths


@pytest.mark.parametrize(
    ("body", "sent", "elsewhere"),
    [
        (
            chat_body.ChatBody,
            doors.chat,
            {"temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "logprobs", "top_logprobs"}
            | {"functions", "function_call", "modalities", "logit_bias", "web_search_options"},
        ),
        (
            completions._Body,
            doors.completion,
            {"temperature", "top_p", "max_tokens", "n", "best_of", "stream", "stream_options"}
            | {"suffix", "logprobs", "logit_bias"},
        ),
        (
            responses_body.ResponsesBody,
            doors.response,
            {"temperature", "top_p", "max_output_tokens", "stream", "tool_choice", "parallel_tool_calls"}
            | {"store", "background", "previous_response_id", "conversation", "prompt", "top_logprobs"}
            | {"max_tool_calls", "truncation"},
        ),
        (embeddings._Body, doors.embedding, {"encoding_format", "dimensions", "islandrun"}),
    ],
)
def test_every_field_that_is_read_holds_a_canary_or_no_text(body, sent, elsewhere) -> None:
    """`elsewhere` are numbers, switches, and fields that are refused when they hold anything."""
    assert set(body.__struct_fields__) == (set(sent(Canaries())) & set(body.__struct_fields__)) | elsewhere
    assert not set(sent(Canaries())) & elsewhere
