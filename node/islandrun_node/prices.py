"""Prices of models: the owner's own settings, then the price table of the home, then the one that ships.

A table is a TOML file that people can read and edit. `import_prices` makes one from the package
genai-prices (extra `[prices]`), whose data lies in the package; nothing is ever fetched.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import msgspec

from islandrun.agents.budget import day_of
from islandrun.agents.price_table import ENTRIES_MAX, Price, PriceTable, find, priced
from islandrun.errors import ConfigError
from islandrun.vocabulary import ModelOffer, Ppm
from islandrun_node import world_clock
from islandrun_node.home import Home

SHIPPED: Final = Path(__file__).with_name("prices.toml")
FILE_BYTES_MAX: Final = 8 * 1024 * 1024
MICRO: Final = 1_000_000

Amount = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One price; US dollars per million tokens, and per request."""

    model: Word
    provider: Word
    input: Amount
    output: Amount
    cached_input: Amount | None = None
    request: Amount = 0.0
    since: Day = msgspec.field(name="from", default="0001-01-01")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: Annotated[str, msgspec.Meta(max_length=256)] = ""
    dated: Day | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^USD$")] = "USD"
    price: Annotated[list[_Row], msgspec.Meta(max_length=ENTRIES_MAX)] = []


@dataclass(frozen=True, slots=True)
class Prices:
    """The tables of one node, the first that knows a model counts. `zone` tells which day it is."""

    tables: tuple[PriceTable, ...]
    zone: tzinfo

    @classmethod
    def of(cls, home: Home, zone: tzinfo) -> Prices:
        """Read the tables of a home. Raises `ConfigError`, which names file, key and remedy."""
        own = (read_table(home.prices),) if home.prices.exists() else ()
        return cls((*own, read_table(SHIPPED)), zone)

    def today(self) -> str:
        """Return the owner's day."""
        return day_of(world_clock.now().wall_ms, self.zone)

    def find(self, model: str, provider: str = "") -> tuple[Price, PriceTable] | None:
        """Return today's price of a model, and the table it stands in."""
        day = self.today()
        for table in self.tables:
            price = table.find(model, day, provider)
            if price is not None:
                return price, table
        return None

    def told(self, offers: Iterable[ModelOffer], provider: str) -> tuple[ModelOffer, ...]:
        """Return offers with the prices of today where the settings have none."""
        day = self.today()
        return tuple(
            offer if offer.is_price_known else priced(offer, find(self.tables, offer.name, day, provider))
            for offer in offers
        )

    def find_baseline(self, name: str) -> tuple[Price, PriceTable] | None:
        """Return the price that savings are measured by, from "provider/model" or "model", and its table."""
        provider, _, model = name.partition("/")
        return (self.find(model, provider) if model else None) or self.find(name)

    def baseline(self, name: str) -> ModelOffer | None:
        """Return the model that savings are measured by, or None where no table knows it."""
        found = self.find_baseline(name)
        return None if found is None else priced(ModelOffer(name, 0, Ppm(0)), found[0])


def read_table(path: Path) -> PriceTable:
    """Read a price table. Raises `ConfigError`, which names file, key and remedy."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigError(f"{path}: larger than {FILE_BYTES_MAX} bytes; import fewer providers")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        file = msgspec.convert(content, _File)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check its permissions") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}; correct that place") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; correct it, or run `islandrun-node prices import`") from error
    return PriceTable(map(_price, file.price), file.source, file.dated or "")


def write_table(table: PriceTable) -> str:
    """Return a table as the TOML that `read_table` reads."""
    lines = [
        "# Prices of models in US dollars per million tokens; `request` is for each request.",
        f"source = {json.dumps(table.source)}",
        f"dated = {json.dumps(table.dated)}",
        'currency = "USD"',
    ]
    for price in table.prices:
        lines += ["", "[[price]]", *_rows(price)]
    return "\n".join(lines) + "\n"


def import_prices(providers: Iterable[str], models: Iterable[str], today: str) -> PriceTable:
    """Return the prices that the installed package genai-prices holds; empty: of all providers, all models.

    Raises `ConfigError` when the package is not installed or knows no such provider or model.
    """
    if find_spec("genai_prices") is None:
        raise ConfigError("the package genai-prices is not installed; run: pip install 'islandrun[prices]'")
    # It loads slowly and brings pydantic, and only this command needs it.
    from islandrun_node.genai_table import table_of

    return table_of(tuple(providers), tuple(models), today)


def _price(row: _Row) -> Price:
    cached = row.cached_input
    return Price(
        model=row.model,
        provider=row.provider,
        from_day=row.since,
        input_microusd=round(row.input * MICRO),
        output_microusd=round(row.output * MICRO),
        cached_input_microusd=None if cached is None else round(cached * MICRO),
        request_microusd=round(row.request * MICRO),
    )


def _rows(price: Price) -> Iterator[str]:
    yield f"model = {json.dumps(price.model)}"
    yield f"provider = {json.dumps(price.provider)}"
    yield f"from = {json.dumps(price.from_day)}"
    yield f"input = {price.input_microusd / MICRO}"
    yield f"output = {price.output_microusd / MICRO}"
    if price.cached_input_microusd is not None:
        yield f"cached_input = {price.cached_input_microusd / MICRO}"
    if price.request_microusd:
        yield f"request = {price.request_microusd / MICRO}"
