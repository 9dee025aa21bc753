"""What looks at a text on this node: the rules, the owner's own, and the trained detector with its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from islandrun.privacy.detect import RULES, Detector
from islandrun.privacy.detect.owner import NO_OWNER_RULES, OwnerRules
from islandrun.privacy.detect.tagger import HIGH_RECALL_SHARE, THRESHOLDS, Tagger
from islandrun.privacy.detect.weighed import RulesAndTagger
from islandrun.privacy.floors import DEFAULT_FLOORS, Floors
from islandrun.privacy.sensitivity import Assessment, assess
from islandrun.vocabulary import Ppm, Prompt
from islandrun_node.config import floors_of, owner_rules
from islandrun_node.config_tables import Privacy
from islandrun_node.tagger_network import THREADS, OnnxNetwork


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks at a prompt, with the owner's floors and allowed values."""

    detectors: Sequence[Detector] = (RULES,)
    floors: Floors = DEFAULT_FLOORS
    owner: OwnerRules = NO_OWNER_RULES

    def assess(self, prompt: Prompt, sensitivity_min_ppm: Ppm = Ppm(0)) -> Assessment:
        """Judge a prompt, as `islandrun.privacy.sensitivity.assess` does."""
        return assess(prompt, self.detectors, self.floors, sensitivity_min_ppm, self.owner)


def load_watch(privacy: Privacy, threads: int = THREADS) -> Watch:
    """Load the detectors that the owner's settings ask for, in about 0.3 s.

    Raises `StateError` when the model's file is missing or damaged, `ConfigError` for a bad pattern.
    """
    owner = owner_rules(privacy)
    found: tuple[Detector, ...] = (RULES,)
    if privacy.detector == "full":
        share = HIGH_RECALL_SHARE if privacy.recall == "high" else 1.0
        thresholds = {kind: limit * share for kind, limit in THRESHOLDS.items()}
        found = (RulesAndTagger(RULES, Tagger(OnnxNetwork(threads=threads), thresholds)),)
    return Watch((*found, owner) if owner else found, floors_of(privacy), owner)
