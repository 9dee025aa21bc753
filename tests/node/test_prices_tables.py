"""Price tables: files that people edit, the shipped one, and the real package genai-prices."""

from __future__ import annotations

import json
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
)

from islandrun.agents.price_table import Price, PriceTable
from islandrun.errors import ConfigError
from islandrun.vocabulary import ModelOffer, Ppm
from islandrun_node import config, genai_table
from islandrun_node.accounting import hour_price_of, limits_of
from islandrun_node.cli import cli
from islandrun_node.engines import outbound_offers
from islandrun_node.home import Home
from islandrun_node.prices import SHIPPED, Prices, import_prices, read_table, write_table

TODAY = "2026-11-24"


def test_the_shipped_table_reads_names_its_source_and_day_and_is_small() -> None:
    table = read_table(SHIPPED)
    assert table.source.startswith("genai-prices ")
    assert table.dated == TODAY
    assert 20 <= len(table.prices) <= 60
    gpt = table.find("gpt-4o", TODAY, "openai")
    assert gpt is not None
    assert (gpt.input_microusd, gpt.output_microusd, gpt.cached_input_microusd) == (
        2_500_000, 10_000_000, 1_250_000,
    )  # fmt: skip


def test_a_table_is_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    table = import_prices((), (), TODAY)
    assert len(table.prices) > 1_000
    (tmp_path / "prices.toml").write_text(write_table(table))
    again = read_table(tmp_path / "prices.toml")
    assert again.prices == table.prices
    assert (again.source, again.dated) == (table.source, TODAY)


def test_imported_prices_are_those_that_the_package_computes() -> None:
    table = import_prices(("openai", "anthropic", "mistral"), (), TODAY)
    checked = 0
    for provider in get_snapshot().providers:
        if provider.id not in ("openai", "anthropic", "mistral"):
            continue
        for model in provider.models:
            price = table.find(model.id, TODAY, provider.id)
            if price is None or not isinstance(model.prices, ModelPrice):
                continue
            if any(isinstance(each, TieredPrices) for each in vars(model.prices).values()):
                continue
            used = genai_prices.Usage(input_tokens=1_000_000, output_tokens=1_000_000)
            whole = int(model.prices.calc_price(used)["total_price"] * 1_000_000)
            assert abs(price.input_microusd + price.output_microusd - whole) <= 2, model.id
            checked += 1
    assert checked > 50


def model_of(*prices: ConditionalPrice) -> ModelInfo:
    match = ClauseOr(or_=[ClauseEquals(equals="m"), ClauseEquals(equals="m-2026")])
    return ModelInfo(id="m", match=match, prices=list(prices))


def test_the_dearest_of_several_prices_counts_and_each_name_has_it() -> None:
    tiers = TieredPrices(base=Decimal(1), tiers=[Tier(start=200_000, price=Decimal(3))])
    dated = ConditionalPrice(StartDateConstraint(date(2026, 5, 1)), prices=ModelPrice(input_mtok=Decimal(2)))
    day = ConditionalPrice(prices=ModelPrice(input_mtok=tiers, output_mtok=Decimal(4)))
    night = ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(1)))
    assert sorted(genai_table._by_day(model_of(day, night, dated))) == [genai_table.ALWAYS, "2026-05-01"]
    table = PriceTable(genai_table._prices("p", model_of(day, night, dated)))
    for name in ("m", "m-2026"):
        assert table.find(name, "2026-04-30") == Price(name, "p", genai_table.ALWAYS, 3_000_000, 4_000_000)
        assert table.find(name, "2026-05-01").output_microusd == 0
    assert list(genai_table._prices("p", model_of(ConditionalPrice(prices=ModelPrice())))) == []


def test_what_the_package_does_not_know_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no provider 'nobody'; choose of .*openai"):
        import_prices(("nobody",), (), TODAY)
    with pytest.raises(ConfigError, match="no such model"):
        import_prices(("openai",), ("nothing",), TODAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[price]\n", "not valid TOML"),
        ('currency = "EUR"\n', "currency"),
        ('[[price]]\nmodel = "m"\nprovider = "p"\ninput = -1\noutput = 1\n', "price"),
        ('[[price]]\nmodel = "m"\nprovider = "p"\ninput = 1\noutput = 1\nfrom = "May"\n', "from"),
        ('[[price]]\nmodel = "m"\nprovider = "p"\ninput = 1\noutput = 1\nper = 3\n', "per"),
    ],
)
def test_a_wrong_table_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        Prices.of(Home(tmp_path), UTC)
    assert "prices.toml" in str(caught.value)


def test_settings_count_before_the_own_table_and_that_before_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        '[[price]]\nmodel = "gpt-4o"\nprovider = "openai"\ninput = 7\noutput = 8\n'
    )
    models = [
        {"name": "gpt-4o"}, {"name": "gpt-4o-mini"}, {"name": "gpt-5", "output_price_usd": 1.5},
        {"name": "nobody-knows"}, {"name": "gift", "input_price_usd": 0.0},
    ]  # fmt: skip
    outbound = {"name": "cloud", "url": "https://a.example/v1", "provider": "openai", "models": models}
    settings = config.parse({"outbound": [outbound]}, "test")
    told = Prices.of(Home(tmp_path), UTC).told(outbound_offers(settings.outbound[0]), "openai")
    assert [offer.output_price_microusd for offer in told] == [8_000_000, 600_000, 1_500_000, 0, 0]
    assert [offer.is_price_known for offer in told] == [True, True, True, False, True]


def test_the_baseline_is_a_model_of_a_table_or_none(tmp_path: Path) -> None:
    prices = Prices.of(Home(tmp_path), UTC)
    assert prices.baseline("openai/gpt-4o").output_price_microusd == 10_000_000
    assert prices.baseline("gpt-4o").output_price_microusd == 10_000_000
    assert prices.baseline("nobody/gpt-4o") is None
    assert prices.baseline("") is None


def test_limits_and_power_come_from_the_settings() -> None:
    text = {"budget": {"day_usd": 0.01, "client_month_usd": 2}, "power": {
        "active_watts": 220, "idle_watts": 20, "kwh_price": 0.4, "currency": "EUR", "usd_per_currency": 1.1,
    }}  # fmt: skip
    settings = config.parse(text, "test")
    assert limits_of(settings.budget).most_microusd == {"day": 10_000, "client_month": 2_000_000}
    assert hour_price_of(settings.power) == 88_000
    with pytest.raises(ConfigError, match="how many US dollars one EUR"):
        config.parse({"power": {"currency": "EUR"}}, "test")
    with pytest.raises(ConfigError, match="no zone 'Mars/Base'"):
        config.parse({"budget": {"time_zone": "Mars/Base"}}, "test")


def test_the_commands_import_and_list(tmp_path: Path, capsys) -> None:
    (tmp_path / "config.toml").write_text(
        '[[outbound]]\nname = "cloud"\nurl = "https://a.example/v1"\nprovider = "openai"\n'
        '[[outbound.models]]\nname = "gpt-4o"\n[[outbound.models]]\nname = "house-model"\n'
    )

    def run(*words: str) -> dict:
        assert cli.main(["--json", "--home", str(tmp_path), *words], standalone_mode=False) == 0
        return json.loads(capsys.readouterr().out)

    made = run("prices", "import", "--provider", "openai", "--model", "gpt-4o")
    assert made["prices"] == 1
    assert (tmp_path / "prices.toml").stat().st_mode & 0o777 == 0o600
    listed = run("prices", "list")
    known, unknown = listed["models"]
    assert (known["input_usd"], known["output_usd"]) == (2.5, 10.0)
    assert known["source"].startswith("genai-prices")
    assert unknown["input_usd"] is None
    assert "unknown" in unknown["source"]
    assert listed["tables"][0]["count"] == 1
    assert cli.main(["--home", str(tmp_path), "prices", "list", "--all"], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert "table: 1 prices of genai-prices" in shown
    assert "claude-opus-4-1" in shown


def test_one_module_knows_the_package_and_is_loaded_by_the_import_alone() -> None:
    """It loads slowly and brings pydantic: no running node may load it."""
    package = Path(genai_table.__file__).parent
    texts = {str(path.relative_to(package)): path.read_text() for path in package.rglob("*.py")}
    knowing = [
        name for name, text in texts.items() if "from genai_prices" in text or "import genai_p" in text
    ]
    assert knowing == ["genai_table.py"]
    loading = [
        (name, line) for name, text in texts.items() for line in text.splitlines()
        if "import" in line and "genai_table" in line
    ]  # fmt: skip
    assert loading == [("prices.py", "    from islandrun_node.genai_table import table_of")]


def test_an_offer_without_a_price_says_so() -> None:
    offer = ModelOffer("m", 1, Ppm(0), is_price_known=False)
    (told,) = Prices((PriceTable(),), UTC).told([offer], "")
    assert not told.is_price_known
