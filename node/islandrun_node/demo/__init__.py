"""What a first look needs and no real mesh has: sample documents, and a process that plays a cloud."""

from __future__ import annotations

from pathlib import Path

DOCUMENTS = Path(__file__).parent / "documents"
"""The folders `office`, `laptop` and `world`; all names in them are invented."""
