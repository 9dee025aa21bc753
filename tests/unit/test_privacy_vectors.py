"""Texts and what they become: `tests/vectors/sanitize.json`, for programs in other languages too.

`{{WORD}}` in a text stands for a value that is put together here, so that the file holds no key.
"""

import json
import re
from pathlib import Path

import pytest

from islandrun.privacy.restore import restore
from islandrun.privacy.sanitize import mask
from islandrun.privacy.sensitivity import assess
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Message, Ppm, Prompt

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "sanitize.json").read_text(encoding="utf-8"))
VALUES = {
    "AWS_KEY": "AKIA" + "ABCDEFGH23456789",
    "GITHUB_TOKEN": "ghp_" + "aB3dE5gH7j" * 3 + "kLmNoP",
    "PEM": "-----BEGIN " + "PRIVATE KEY-----\nMIIB\n-----END " + "PRIVATE KEY-----",
    "DATABASE": "postgres://app:" + "hush4ever@db.local/main",
}


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_a_vector(vector: dict[str, str]) -> None:
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: VALUES[found[1]], vector["text"])
    vault = Vault()
    findings = assess(Prompt((Message("user", text),))).findings[:1]
    (masked,) = mask((text,), findings, Ppm(VECTORS["trust_ppm"]), vault)
    assert masked.text == vector["sanitized"]
    assert restore(masked.text, vault) == text
