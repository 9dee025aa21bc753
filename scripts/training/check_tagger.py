"""Measure the shipped detector on texts that it was not trained on: what it finds, whoever may see it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from privacy import rows
from privacy_quality import Found, quality
from privacy_texts import Sample, only, read

from islandrun.privacy.detect import RULES, Detector
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.propagate import propagate
from islandrun.privacy.detect.tagger import Tagger
from islandrun.privacy.detect.weighed import RulesAndTagger
from islandrun.vocabulary import PPM_MAX
from islandrun_node.tagger_network import OnnxNetwork

_NAMES = frozenset({"PERSON", "LOCATION", "ORG"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with tab and wnut17")
    data = parser.parse_args().data
    corpora = {
        "prompts of our own": read(None, "jsonl"),
        "social text (WNUT17 dev)": only(read(data / "wnut17/dev.conll", "conll"), _NAMES),
        "court cases (TAB dev)": read(data / "tab/tab_train_dev_113.jsonl", "tab", "dev"),
    }
    both = RulesAndTagger(RULES, Tagger(OnnxNetwork()))
    systems: dict[str, Detector] = {"rules": RULES, "rules and tagger": both}
    for name, detector in systems.items():
        for title, samples in corpora.items():
            print(f"== {title}: {name}")
            print("\n".join(f"{row}  {value}" for row, value in figures(samples, detector).items()))


def figures(samples: Sequence[Sample], detector: Detector) -> dict[str, str]:
    """Return the figures of a detector by name, values once found being found in every other place."""
    found = [
        [Found(one.start, one.end, one.type.value, one.confidence_ppm / PPM_MAX) for one in spans]
        for sample in samples
        for spans in propagate((sample.text,), (merge(detector(sample.text)),))
    ]
    return rows({"quality": quality(samples, found), "speed": {}})


if __name__ == "__main__":
    main()
