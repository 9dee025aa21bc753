"""Measure the shipped tagger, alone and beside the rules, on texts that it was not trained on."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import corpora
import measure
import records
from measure import Detect
from values import filler

from islandrun.privacy.detect import RULES, Detector
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.propagate import propagate
from islandrun.privacy.detect.tagger import Tagger
from islandrun.privacy.detect.weighed import RulesAndTagger
from islandrun_node.tagger_network import OnnxNetwork

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with tab and wnut17")
    data = parser.parse_args().data
    tagger = Tagger(OnnxNetwork())
    own = [records.fill(one, filler("en", random.Random(1))) for one in records.read(HERE / "heldout")]
    tweets = corpora.social(data / "wnut17/dev.conll")
    court = [
        document
        for line in (data / "tab/tab_train_dev_113.jsonl").read_text(encoding="utf-8").splitlines()
        if (document := json.loads(line))["metadata"]["provenance"]["dataset_type"] == "dev"
    ]
    systems: dict[str, Detector] = {
        "rules": RULES,
        "tagger": tagger,
        "rules and tagger": RulesAndTagger(RULES, tagger),
    }
    for name, detector in systems.items():
        detect = spread(detector)
        print(f"== {name}\nprompts of our own: {measure.measure(own, detect).table()}")
        exact, persons = measure.social_f1(tweets, detect)
        print(f"social text (WNUT17 dev): F1 of exact spans and types {exact:.3f}, of persons {persons:.3f}")
        shares = measure.entity_recall(court, detect)
        print("court cases (TAB dev): " + ", ".join(f"{kind} {share:.3f}" for kind, share in shares.items()))


def spread(detector: Detector) -> Detect:
    """Return what a detector finds, values once found being found in every other place."""

    def detect(text: str) -> list[tuple[int, int, str]]:
        (spans,) = propagate((text,), (merge(detector(text)),))
        return [(one.start, one.end, one.type.value) for one in spans]

    return detect


if __name__ == "__main__":
    main()
