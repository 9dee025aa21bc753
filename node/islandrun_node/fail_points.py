"""Where a process may die: each step that reaches the disk has a name, and a test kills the process there.

Inert unless ISLANDRUN_TESTING=1 and ISLANDRUN_FAIL_POINT names a step and a moment, such as
"bind-token:before" or, for its second time, "bind-token:before:2".
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from enum import StrEnum
from typing import Final, Literal

Moment = Literal["before", "after"]
"""Before the step is on the disk, or right after it."""

MOMENTS: Final[tuple[Moment, ...]] = ("before", "after")


class Step(StrEnum):
    """Everything that a node writes to survive. A step that no test kills fails `test_kill_at_each_step`."""

    MAKE_DATABASE = "make-database"
    SAVE_STATEMENTS = "save-statements"
    APPEND_ADMISSION = "append-admission"
    ENTER_MESH = "enter-mesh"
    DROP_STATEMENTS = "drop-statements"
    SAVE_PROOF = "save-proof"
    TAKE_SEQUENCE = "take-sequence"
    OPEN_TOKEN = "open-token"  # noqa: S105 - a name, no secret
    BIND_TOKEN = "bind-token"  # noqa: S105 - a name, no secret
    DECIDE_TOKEN = "decide-token"  # noqa: S105 - a name, no secret
    KEEP_ADMISSION = "keep-admission"
    FINISH_TOKEN = "finish-token"  # noqa: S105 - a name, no secret
    SAVE_BEHAVIOUR = "save-behaviour"
    SAVE_RECEIPT = "save-receipt"
    DECLARE_DATA_SET = "declare-data-set"
    REMOVE_DATA_SET = "remove-data-set"
    MOVE_RECEIPTS = "move-receipts"
    SAVE_HEAD = "save-head"
    SAVE_COSIGNATURE = "save-cosignature"
    SAVE_WITNESSED = "save-witnessed"
    SAVE_EVIDENCE = "save-evidence"
    SEAL_SECRET = "seal-secret"  # noqa: S105 - a name, no secret
    TAKE_OVER_SECRETS = "take-over-secrets"
    SAVE_VAULT = "save-vault"
    SWEEP_VAULTS = "sweep-vaults"
    WRITE_FILE = "write-file"
    REPLACE_FILE = "replace-file"
    RESERVE_MONEY = "reserve-money"
    SETTLE_MONEY = "settle-money"
    CLOSE_RESERVATIONS = "close-reservations"
    SWEEP_ACCOUNTS = "sweep-accounts"
    ADD_TALLY = "add-tally"
    SAVE_LENGTHS = "save-lengths"
    NOTE_RESTORED = "note-restored"
    ADD_CLIENT_KEY = "add-client-key"
    REVOKE_CLIENT_KEY = "revoke-client-key"
    FORGET_RESTORED = "forget-restored"


_reached: Counter[str] = Counter()


def reach(step: Step | None, moment: Moment) -> None:
    """Die here, as by SIGKILL, when the test that started this process asked for it."""
    if step is None or os.environ.get("ISLANDRUN_TESTING") != "1":
        return
    point = f"{step}:{moment}"
    _reached[point] += 1
    wanted = os.environ.get("ISLANDRUN_FAIL_POINT", "")
    if wanted == f"{point}:{_reached[point]}" or (wanted == point and _reached[point] == 1):
        os.kill(os.getpid(), signal.SIGKILL)
