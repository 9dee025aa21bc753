"""`islandrun-node outbound`: front a cloud API as an island of its own, with its key sealed at rest."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from islandrun.errors import ConfigError
from islandrun.trust.naming import display_id
from islandrun_node import config, enrolment
from islandrun_node.cli.output import CommandFailed, show, table
from islandrun_node.cli.passphrase import passphrase_of, passphrase_option
from islandrun_node.cli.session import Session
from islandrun_node.home import Home, replace_private
from islandrun_node.identity import load_membership
from islandrun_node.stores.database import Database
from islandrun_node.stores.sealed import SealedStore


@click.group("outbound")
def outbound() -> None:
    """Front a cloud API as an island of its own."""


@outbound.command("add")
@click.argument("name")
@click.option("--url", required=True, help="OpenAI-compatible base URL, such as https://api.example.com/v1.")
@click.option("--model", "models", multiple=True, required=True, help="A model it serves; repeatable.")
@click.option("--context", default=128_000, show_default=True, help="Tokens that its models take.")
@click.option("--quality", type=click.FloatRange(0, 1), default=0.8, show_default=True)
@click.option("--input-price", type=float, help="US dollars per million tokens read [default: price table].")
@click.option("--output-price", type=float, help="US dollars per million tokens written.")
@click.option("--provider", help="Whose prices of the table hold, such as openai.")
@click.option("--jurisdiction", "jurisdictions", multiple=True, metavar="CC", help="ISO 3166; repeatable.")
@click.option(
    "--trust", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Ceiling of trust."
)
@click.option("--key-env", metavar="VARIABLE", help="Take the API key from the environment.")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--no-key", is_flag=True, help="The API wants no key.")
@click.option("--token", help="Join token of tier cloud; not needed on the owner's machine.")
@passphrase_option
@click.pass_obj
def add(session: Session, /, name: str, token: str | None, trust: float, **options: object) -> None:
    """Add a cloud API under NAME. Without --key-env, --key-file or --no-key the key is asked for."""
    home = session.home
    block = _block(name, options)
    text = _checked(home, block)
    key = _key(options)
    jurisdictions = options["jurisdictions"]
    assert isinstance(jurisdictions, tuple)
    grant = replace(enrolment.OUTBOUND, trust_ceiling_ppm=config.ppm(trust), jurisdictions=jurisdictions)
    island = asyncio.run(enrolment.admit_outbound(home, name, token, grant, passphrase_of(session)))
    if key is not None:
        with closing(Database.open(home.database)) as database:
            membership = load_membership(home)
            SealedStore(database, membership.key.derived("seal")).seal(f"outbound:{name}", key)
    replace_private(home.config, text.encode())
    click.echo("Added. A running node takes it in when it starts again.", err=True)
    content = {"name": name, "id": island.id, "url": options["url"]}
    show(session, "outbound-add/v1", content, f"{name}  {display_id(island.id)}")


@outbound.command("list")
@click.pass_obj
def list_(session: Session) -> None:
    """List the cloud APIs that this node fronts; keys are never shown."""
    settings = config.load(session.home.config)
    rows = [
        (entry.name, entry.url, ", ".join(model.name for model in entry.models))
        for entry in settings.outbound
    ]
    content = {
        "outbound": [{"name": name, "url": url, "models": models.split(", ")} for name, url, models in rows]
    }
    show(session, "outbound-list/v1", content, table(("NAME", "URL", "MODELS"), rows))


def _block(name: str, options: dict[str, object]) -> str:
    """Return the table of the settings; JSON strings are TOML strings."""
    jurisdictions, models = options["jurisdictions"], options["models"]
    assert isinstance(jurisdictions, tuple)
    assert isinstance(models, tuple)
    lines = ["", "[[outbound]]", f"name = {json.dumps(name)}", f"url = {json.dumps(options['url'])}"]
    if options["provider"]:
        lines.append(f"provider = {json.dumps(options['provider'])}")
    if jurisdictions:
        lines.append(f"jurisdictions = {json.dumps(jurisdictions)}")
    for model in models:
        lines += [
            "[[outbound.models]]",
            f"name = {json.dumps(model)}",
            f"context_tokens_max = {options['context']}",
            f"quality = {options['quality']}",
        ]
        lines += [
            f"{way}_price_usd = {options[f'{way}_price']}"
            for way in ("input", "output")
            if options[f"{way}_price"] is not None
        ]
    return "\n".join(lines) + "\n"


def _checked(home: Home, block: str) -> str:
    """Return the settings with the block at their end; refuse what would not load."""
    text = home.config.read_text(encoding="utf-8") if home.config.exists() else ""
    whole = text.rstrip("\n") + "\n" + block
    try:
        config.parse(tomllib.loads(whole), str(home.config))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{home.config}: not valid TOML: {error}; correct that place") from error
    return whole


def _key(options: dict[str, object]) -> str | None:
    variable, file = options["key_env"], options["key_file"]
    if options["no_key"]:
        return None
    if isinstance(variable, str):
        if not os.environ.get(variable):
            raise CommandFailed(f"the environment has no {variable}", "export it, or use --key-file")
        return os.environ[variable].strip()
    if isinstance(file, Path):
        return file.read_text(encoding="utf-8").strip()
    if not sys.stdin.isatty():
        raise CommandFailed("no API key was given", "use --key-env, --key-file or --no-key")
    typed = click.prompt("API key", hide_input=True, err=True)
    return str(typed).strip()
