"""What this project hides from a cloud, for `privacy.py`: what a node does to a text before it leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from detector_loop import Spans, serve


def load() -> tuple[Callable[[str], Spans], Sequence[str]]:
    from islandrun.errors import PrivacyFault
    from islandrun.vocabulary import PPM_MAX, Ppm
    from islandrun_node.cli.examine import examine, watch_for
    from islandrun_node.detectors import Watch

    watch = Watch() if "rules" in sys.argv[1:] else watch_for(None)

    def find(text: str) -> Spans:
        try:
            masked = examine(text, Ppm(200_000), watch).masked
        except PrivacyFault:
            return [(0, len(text), "WITHHELD", 1.0)]
        return [(one.start, one.end, one.type.value, one.confidence_ppm / PPM_MAX) for one, _ in masked.spans]

    return find, [detector.name for detector in watch.detectors]


if __name__ == "__main__":
    serve(load)
