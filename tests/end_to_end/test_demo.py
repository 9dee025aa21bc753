"""The demo is a promise: it runs, ends well, shows every case, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from openai import APIStatusError, OpenAI

from islandrun_node.demo.prompts import CASES

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "islandrun_node", "demo"]


def test_the_demo_ends_well_and_shows_every_case(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, capture_output=True, text=True, timeout=60, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    assert "Proof: the cloud received" in done.stdout
    for case in CASES:
        assert case.what.split(",")[0].split()[-1] in done.stdout
    assert list(tmp_path.glob("islandrun-demo-*")) == []


@pytest.fixture
def served(tmp_path: Path):
    process = subprocess.Popen(
        [*COMMAND, "--serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path), "ISLANDRUN_LOG_LEVEL": "debug"},
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()


def test_the_served_demo_answers_the_openai_sdk_and_hides_what_it_must(served: dict[str, str]) -> None:
    assert set(served) == {"schema", "http", "token", "grpc", "home", "cloud_log"}
    with OpenAI(base_url=f"{served['http']}/v1", api_key=served["token"], max_retries=0) as client:
        names = {model.id for model in client.models.list()}
        assert {"demo-cloud", "extractive", "islandrun/auto", "islandrun/local", "islandrun/private"} <= names
        secret = "4012 8888 8888 1881"
        text = f"The card {secret} was declined. Draft a note that names the card."
        stream = client.chat.completions.create(
            model="demo-cloud",
            messages=[{"role": "user", "content": text}],
            stream=True,
            stream_options={"include_usage": True},
        )
        pieces = list(stream)
        answer = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
        assert secret in answer
        assert pieces[-1].usage is not None
        record = Path(served["cloud_log"]).read_bytes()
        assert b"[CARD_1]" in record
        assert secret.encode() not in record
        assert not re.search(rb"4012\D?8888", record)
        with pytest.raises(APIStatusError) as refused:
            client.chat.completions.create(
                model="demo-cloud",
                messages=[{"role": "user", "content": "my HIV test results came, help me"}],
            )
        assert refused.value.status_code == 403
        assert refused.value.code == "no_eligible_island"
        _nothing_is_kept(
            Path(served["home"]).parent, [secret, "4012888888881881", "HIV test", "Draft a note"]
        )


def _nothing_is_kept(folder: Path, originals: list[str]) -> None:
    """Look into every file of every island, its debug log and database too; not into the cloud's record."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "cloud-received.bin"]
    assert {"state.db", "laptop.log", "office.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert not [original for original in originals if original.encode() in content], path.name
