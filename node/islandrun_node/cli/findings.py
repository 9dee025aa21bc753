"""What a check of `doctor` found, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `remedy` says what to do, and is empty when all is well."""

    name: str
    state: State
    detail: str
    remedy: str = ""
