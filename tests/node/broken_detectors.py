"""Detectors that do not do their work, for tests of what happens then."""

import math
import threading

from islandrun.vocabulary import Finding, FindingType, Ppm

WHOLE = Finding(0, 1, FindingType.PERSON, Ppm(900_000), Ppm(600_000), "test")


def finding(**changes: object) -> Finding:
    """Return a finding with fields of any value at all."""
    names = ("start", "end", "type", "confidence_ppm", "floor_ppm", "source")
    return Finding(*(changes.get(name, getattr(WHOLE, name)) for name in names))


GARBAGE: dict[str, object] = {
    "none": None,
    "number": 7,
    "text": "Anna",
    "tuples": ((0, 3, "PERSON"),),
    "none inside": (None,),
    "beyond the end": (finding(end=10**6),),
    "before the start": (finding(start=-1),),
    "backwards": (finding(start=3, end=1),),
    "nan start": (finding(start=math.nan),),
    "nan end": (finding(end=math.nan),),
    "nan floor": (finding(floor_ppm=math.nan),),
    "no floor": (finding(floor_ppm=None),),
    "floor below zero": (finding(floor_ppm=-5),),
    "floor too high": (finding(floor_ppm=10**9),),
    "boolean floor": (finding(floor_ppm=False),),
    "nan confidence": (finding(confidence_ppm=math.nan),),
    "unknown type": (finding(type="PERSON "),),
    "text as source": (finding(source="x" * 65),),
}


class Broken:
    """Raises, hangs until `release` is set, or returns nonsense; only for texts that hold `trigger`."""

    name, finds_names = "broken", True

    def __init__(self, fault: object, trigger: str = "") -> None:
        self.fault = fault
        self.trigger = trigger
        self.release = threading.Event()
        self.calls = 0

    def __call__(self, text: str) -> tuple[Finding, ...]:
        self.calls += 1
        if self.trigger not in text:
            return ()
        if isinstance(self.fault, BaseException):
            raise self.fault
        if self.fault == "hang":
            assert self.release.wait(30)
            return ()
        if self.fault == "endless":
            return iter(lambda: WHOLE, None)  # type: ignore[return-value]  # nonsense on purpose
        return self.fault  # type: ignore[return-value]


def raised() -> list[BaseException]:
    """Return what a detector may raise, each with text of a prompt inside."""
    text = "the prompt said hunter2"
    ordinary = (ValueError, MemoryError, RecursionError, StopIteration)
    ending = (SystemExit, KeyboardInterrupt, GeneratorExit)
    return [kind(text) for kind in (*ordinary, *ending)]
