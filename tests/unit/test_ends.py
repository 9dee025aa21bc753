"""A ledger is looked through again when a statement ended or a clock went back, and not before."""

from dataclasses import replace

from islandrun.trust.ends import Ends
from islandrun.trust.signing import SKEW_MS
