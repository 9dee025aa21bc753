"""How well and how fast private parts of texts are hidden, by this project and by others, on the same texts.

Without FILE: the texts with marks in scripts/training/heldout, which no training has seen.

FILE is JSON lines, each an object with "text" and a list "spans" (or "entities" or "findings") of objects
with "start" and "end" (or "start_offset", "end_offset"; code points) and perhaps "type" (or "label",
"entity_type"). An object may list "units": pieces of private text that must not be readable afterwards. With
--format tab FILE is the Text Anonymization Benchmark (a JSON array, or JSON lines); with --format conll it
has one token a line, its tag last.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from privacy_quality import quality
from privacy_systems import SYSTEMS, Unavailable, run
from privacy_texts import canonical, only, read

SCHEMA = "islandrun.bench.privacy/v1"


def main() -> None:
    options = _options()
    try:
        samples = read(options.file, options.format, options.split)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    if options.types:
        samples = only(samples, frozenset(canonical(kind) for kind in options.types.split(",")))
    samples = samples[: options.limit]
    if not samples:
        sys.exit(f"error: {options.file} holds no text")
    systems: dict[str, dict[str, Any]] = {}
    for name in options.system or SYSTEMS:
        try:
            done = run(name, samples)
        except Unavailable as reason:
            systems[name] = {"unavailable": str(reason)}
            continue
        systems[name] = {"quality": quality(samples, done.found), "speed": done.speed}
    if options.json:
        name = str(options.file) if options.file else "heldout"
        print(json.dumps({"schema": SCHEMA, "corpus": name, "texts": len(samples), "systems": systems}))
    else:
        print("\n".join(table(systems)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench privacy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
    parser.add_argument("--format", choices=("jsonl", "tab", "conll"), default="jsonl")
    parser.add_argument("--types", help="only spans of these types, such as PERSON,LOCATION,ORG")
    parser.add_argument("--split", default="", help="only this part of TAB, such as dev")
    parser.add_argument("--limit", type=int, help="only so many texts")
    parser.add_argument(
        "--system", action="append", choices=tuple(SYSTEMS), help="only this one (repeatable)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def table(systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the figures as lines of text, a column for each system that ran."""
    columns = {name: rows(figures) for name, figures in systems.items() if "quality" in figures}
    names = list(dict.fromkeys(row for column in columns.values() for row in column))
    width = max([*map(len, names), 0])
    lines = [f"{'':<{width}}" + "".join(f"  {name:>18}" for name in columns)] if columns else []
    lines += [
        f"{row:<{width}}" + "".join(f"  {column.get(row, '-'):>18}" for column in columns.values())
        for row in names
    ]
    for name, figures in systems.items():
        if "quality" in figures:
            lines.append(f"{name}: {', '.join(figures['speed']['parts'])}")
        else:
            lines.append(f"{name}: not measured: {figures['unavailable']}")
    return lines


def rows(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of one system, each with a name for people."""
    found, speed = figures["quality"], figures["speed"]
    made = {"texts": _text(found["texts"])}
    made |= _named("characters", found["characters"])
    made |= _named(
        "values hidden whole", {"of": found["entities"]["marked"], "": found["entities"]["recall"]}
    )
    for kind, one in found["entities"]["by_type"].items():
        made[f"  {kind} ({one['marked']})"] = _text(one["recall"])
    typed = found["typed_f1"] or {}
    made |= _named("exact with type", typed)
    made |= {f"  {kind}: f1": _text(one["f1"]) for kind, one in typed.get("by_type", {}).items()}
    made |= _named("nothing to hide", found["over_masking"])
    for role, one in found.get("identifiers", {}).items():
        made |= _named(f"{role} entities", {"of": one["entities"], "": one["recall"]})
    made |= _named("units", found.get("units", {}))
    for one in found["curve"]:
        made[f"at {one['threshold']:.1f}: recall / hidden"] = (
            f"{_text(one['character_recall'])} / {_text(one['hidden_share'])}"
        )
    return made | _named("speed", speed)


def _named(title: str, figures: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{title}: {name.replace('_', ' ')}" if name else title: _text(value)
        for name, value in figures.items()
        if name not in ("by_type", "parts")
    }


def _text(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value}"


if __name__ == "__main__":
    main()
