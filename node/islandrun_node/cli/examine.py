"""One text judged and masked for one reader: what every form of `sanitize` shows.

Nothing of it is kept: each text has a vault of its own, which goes when the text does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from islandrun.errors import PrivacyFault
from islandrun.privacy.sanitize import Masked, mask
from islandrun.privacy.sensitivity import WITHHELD, Assessment
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import PPM_MAX, Message, Ppm, Prompt, sensitivity_class
from islandrun_node.config_tables import Config, Privacy
from islandrun_node.detectors import Watch, load_watch
from islandrun_node.tagger_network import THREADS


def watch_for(config: Config | None, threads: int = THREADS) -> Watch:
    """Return what a node with these settings looks with; None stands for all defaults.

    Raises as `load_watch` does.
    """
    return load_watch(Privacy() if config is None else config.privacy, threads)


@dataclass(frozen=True, slots=True)
class Examined:
    """A text, what is in it, and how a reader of `trust_ppm` sees it."""

    text: str = field(repr=False)
    trust_ppm: Ppm
    assessment: Assessment
    masked: Masked

    @property
    def class_name(self) -> str:
        """How sensitive the text is, in a word."""
        return sensitivity_class(self.assessment.sensitivity_ppm).name.lower()

    @property
    def sensitivity(self) -> float:
        """How sensitive the text is, 0 to 1."""
        return self.assessment.sensitivity_ppm / PPM_MAX

    @property
    def is_sent(self) -> bool:
        """Whether a node would send the masked text to this reader at all."""
        return self.assessment.visible_ppm(self.trust_ppm) <= self.trust_ppm

    def as_fields(self) -> dict[str, object]:
        """Return what programs read, without the id; offsets count code points of `text`."""
        return {
            "text": self.text,
            "sanitized": self.masked.text,
            "findings": [
                {
                    "start": one.start,
                    "end": one.end,
                    "type": one.type.value,
                    "placeholder": placeholder,
                    "confidence": one.confidence_ppm / PPM_MAX,
                }
                for one, placeholder in self.masked.spans
            ],
            "sensitivity": self.sensitivity,
            "class": self.class_name,
            "topics": [topic.name for topic in self.assessment.topics],
        }

    def notes(self, reader: str) -> Iterator[str]:
        """Yield what people want to know: what is hidden, how sensitive it is, why, and whether it goes."""
        counts = Counter(one.type.value for one, _ in self.masked.spans)
        named = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "nothing"
        yield f"hidden from {reader} (trust {self.trust_ppm / PPM_MAX:.2f}): {named}"
        reasons = "; ".join(self.assessment.reasons) or "nothing found"
        yield f"sensitivity {self.sensitivity:.2f} ({self.class_name}): {reasons}"
        if not self.is_sent:
            visible = self.assessment.visible_ppm(self.trust_ppm) / PPM_MAX
            yield f"a node would not send this to {reader}: what stays visible needs trust {visible:.2f}"


def examine(text: str, trust_ppm: Ppm, watch: Watch) -> Examined:
    """Judge and mask one text. Raises `PrivacyFault` when it cannot be judged or masked."""
    assessment = watch.assess(Prompt((Message("user", text),)))
    if assessment is WITHHELD:
        raise PrivacyFault("the privacy check failed, so the text may go to no other island")
    (masked,) = mask((text,), assessment.findings[:1], trust_ppm, Vault())
    return Examined(text, trust_ppm, assessment, masked)
