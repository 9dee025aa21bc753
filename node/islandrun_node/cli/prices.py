"""`islandrun-node prices`: what models cost here and who said so; a price table from genai-prices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from islandrun.agents.budget import day_of
from islandrun.agents.price_table import Price, PriceTable
from islandrun.vocabulary import ModelOffer
from islandrun_node import config, world_clock
from islandrun_node.cli.output import show, table
from islandrun_node.cli.session import Session
from islandrun_node.engines import outbound_offers
from islandrun_node.home import replace_private
from islandrun_node.prices import Prices, import_prices, write_table

MICRO: Final = 1_000_000
HEADINGS: Final = ("model", "provider", "from", "input", "output", "cached", "a request")


@click.group("prices")
def prices() -> None:
    """List the prices of models, or import a price table."""


@prices.command("list")
@click.option("--all", "is_all", is_flag=True, help="Every entry of the price tables, too.")
@click.pass_obj
def list_(session: Session, /, is_all: bool) -> None:
    """Show what the models of the outbound islands cost, and which table says so."""
    settings = config.load(session.home.config)
    known = Prices.of(session.home, config.zone_of(settings.budget.time_zone))
    rows, content = [], []
    for outbound in settings.outbound:
        for offer, priced in zip(
            outbound_offers(outbound),
            known.told(outbound_offers(outbound), outbound.provider),
            strict=True,
        ):
            source = _source(offer, known, outbound.provider)
            rows.append((outbound.name, offer.name, *_figures(priced), source))
            content.append({"island": outbound.name, **_offer(priced), "source": source})
    lines = [
        "US dollars per million tokens, and for each request",
        table(("island", "model", "input", "output", "cached", "a request", "source"), rows),
        *(f"table: {_title(known_table)}" for known_table in known.tables),
    ]
    tables = [_table(one, is_all) for one in known.tables]
    if is_all:
        entries = [_row(price) for one in known.tables for price in one.prices]
        lines += ["", table(HEADINGS, entries)]
    show(session, "prices/v1", {"models": content, "tables": tables}, "\n".join(lines))


@prices.command("import")
@click.option("--provider", "providers", multiple=True, help="Only this one, such as openai; repeatable.")
@click.option("--model", "models", multiple=True, help="Only this one; repeatable.")
@click.pass_obj
def import_(session: Session, /, providers: tuple[str, ...], models: tuple[str, ...]) -> None:
    """Write prices.toml of the home from the package genai-prices; nothing is fetched."""
    zone = config.zone_of(config.load(session.home.config).budget.time_zone)
    found = import_prices(providers, models, day_of(world_clock.now().wall_ms, zone))
    session.home.create()
    replace_private(session.home.prices, write_table(found).encode())
    click.echo("Written. A running node takes it in when it starts again.", err=True)
    content = {
        "path": str(session.home.prices),
        "source": found.source,
        "dated": found.dated,
        "prices": len(found.prices),
    }
    show(session, "prices-import/v1", content, f"{session.home.prices}  {_title(found)}")


def _source(offer: ModelOffer, known: Prices, provider: str) -> str:
    if offer.is_price_known:
        return "settings"
    found = known.find(offer.name, provider)
    return "unknown: over every budget" if found is None else f"{found[1].source}, {found[1].dated}"


def _title(one: PriceTable) -> str:
    source, day = one.source or "an unnamed source", one.dated or "on an unknown day"
    return f"{len(one.prices)} prices of {source}, taken {day}"


def _figures(offer: ModelOffer) -> tuple[str, str, str, str]:
    if not offer.is_price_known:
        return ("?", "?", "?", "?")
    cached = offer.cached_input_price_microusd
    return (
        _amount(offer.input_price_microusd),
        _amount(offer.output_price_microusd),
        _amount(offer.input_price_microusd if cached is None else cached),
        _amount(offer.request_price_microusd),
    )


def _offer(offer: ModelOffer) -> dict[str, object]:
    cached = offer.cached_input_price_microusd
    if not offer.is_price_known:
        return {"model": offer.name, "input_usd": None, "output_usd": None}
    return {
        "model": offer.name,
        "input_usd": offer.input_price_microusd / MICRO,
        "output_usd": offer.output_price_microusd / MICRO,
        "cached_input_usd": None if cached is None else cached / MICRO,
        "request_usd": offer.request_price_microusd / MICRO,
    }


def _table(one: PriceTable, is_all: bool) -> dict[str, object]:
    entries = list(map(asdict, one.prices)) if is_all else None
    return {"source": one.source, "dated": one.dated, "count": len(one.prices), "prices": entries}


def _row(price: Price) -> tuple[str, ...]:
    cached = price.input_microusd if price.cached_input_microusd is None else price.cached_input_microusd
    amounts = (price.input_microusd, price.output_microusd, cached, price.request_microusd)
    return (price.model, price.provider, price.from_day, *map(_amount, amounts))


def _amount(microusd: int) -> str:
    return f"{microusd / MICRO:g}"
