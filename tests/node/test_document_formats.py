"""Documents of every format that is read, and hostile ones, which are left out and stop nothing."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest

from islandrun_node.backends.embedder import Embedder
from islandrun_node.documents import child, formats, reading
from islandrun_node.documents.files import content_of, found_files
from islandrun_node.documents.formats import lines_of
from islandrun_node.documents.lines import CannotRead, LeftOut
from islandrun_node.documents.reading import Reader
from islandrun_node.stores.documents import DocumentIndex

ESCAPES = {"(": r"\(", ")": r"\)", "\\": "\\\\"}


def pdf(*texts: str, bomb: int = 0) -> bytes:
    """Return a PDF with one page a text; `bomb` zero bytes hide in the content of the last page."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(texts)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(texts)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for at, text in enumerate(texts):
        shown = "".join(ESCAPES.get(sign, sign) for sign in text)
        drawn = f"BT /F1 12 Tf 72 720 Td ({shown}) Tj ET".encode()
        content = zlib.compress(drawn + (b" " * bomb if at == len(texts) - 1 else b""))
        resources = "<< /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R /Resources {resources} /Contents {5 + 2 * at} 0 R >>"
        objects.append(page.encode())
        head = f"<< /Length {len(content)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + content + b"\nendstream")
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + one + b"\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return out


@pytest.fixture
def reader():
    made = Reader()
    yield made
    made.close()


def read(name: str, text: str) -> list[tuple[str, str]]:
    return [(line.section, line.text) for line in lines_of(name, text.encode())]


def test_markdown_keeps_the_headings_above_a_sentence() -> None:
    text = "# Leave\nAll have it.\n## Days\nYou get 28 days.\n```\n# no heading\n```\n# Pay\nMonthly.\n"
    assert read("a.md", text) == [
        ("Leave", "All have it."),
        ("Leave > Days", "You get 28 days."),
        ("Pay", "Monthly."),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_row_of_a_table_names_its_columns(mark: str) -> None:
    rows = f"name{mark}port\nAlma{mark}Bergen\n{mark}\nBela{mark}Gdansk\n"
    assert read("a.csv", rows) == [("", "name: Alma; port: Bergen"), ("", "name: Bela; port: Gdansk")]


def test_code_is_cut_at_its_definitions() -> None:
    code = "import os\n\n\nclass Ship:\n    name = 1\n\n    def sail(self):\n        return 2\n\n\n"
    code += "def dock():\n    pass\n"
    assert read("a.py", code) == [
        ("", "import os"),
        ("class Ship:", "class Ship:\n    name = 1"),
        ("def sail(self):", "    def sail(self):\n        return 2"),
        ("def dock():", "def dock():\n    pass"),
    ]
    assert all(len(text) <= formats.CODE_CHARS_MAX for _, text in read("a.c", "x = 1;\n" * 5_000))


def test_a_pdf_is_read_page_by_page(reader: Reader) -> None:
    found = reader.read("a.pdf", pdf("The boat is in the harbour.", "The kayak hangs in the shed."))
    assert [(line.section, line.text) for line in found] == [
        ("page 1", "The boat is in the harbour."),
        ("page 2", "The kayak hangs in the shed."),
    ]


def test_html_comes_without_scripts_and_styles(reader: Reader) -> None:
    page = (
        b"<head><style>b{}</style></head><h1>Boats</h1><script>var secret</script><p>The <b>red</b> boat.</p>"
    )
    assert [(line.section, line.text) for line in reader.read("a.html", page)] == [("Boats", "The red boat.")]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("damaged.pdf", b"%PDF-1.4 nothing follows", LeftOut.DAMAGED),
        ("no.pdf", b"MZ\0\0", LeftOut.DAMAGED),
        ("program.txt", b"MZ\0\0", LeftOut.NOT_TEXT),
        ("bytes.md", bytes(range(128, 256)) * 10, LeftOut.NOT_TEXT),
    ],
)
def test_what_cannot_be_read_says_why(reader: Reader, name: str, content: bytes, reason: LeftOut) -> None:
    with pytest.raises(CannotRead) as caught:
        reader.read(name, content)
    assert caught.value.reason is reason


@pytest.mark.long
def test_a_bomb_in_a_pdf_is_left_out_and_the_next_document_is_read(reader: Reader) -> None:
    bomb = pdf("small", bomb=200_000_000)
    assert len(bomb) < 300_000
    with pytest.raises(CannotRead) as caught:
        reader.read("bomb.pdf", bomb)
    assert caught.value.reason in (LeftOut.TOO_SLOW, LeftOut.DAMAGED)
    assert reader.read("a.pdf", pdf("The boat."))[0].text == "The boat."


def test_a_document_that_keeps_its_parser_busy_is_killed_in_time() -> None:
    hasty = Reader(seconds_max=0.01)
    with pytest.raises(CannotRead) as caught:
        hasty.read("page.html", b"<p>" * 1_000_000)
    assert caught.value.reason is LeftOut.TOO_SLOW
    hasty.close()
    patient = Reader(seconds_max=30)
    assert patient.read("page.html", b"<p>Well.</p>")[0].text == "Well."
    patient.close()


def test_a_child_may_write_no_file_and_take_no_more_memory(tmp_path: Path) -> None:
    program = (
        "from islandrun_node.documents.child import confine; confine()\n"
        "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0])\n"
        "print(resource.getrlimit(resource.RLIMIT_FSIZE)[0])"
    )
    import subprocess
    import sys

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert told.split() == [str(child.MEMORY_BYTES_MAX), "0"]


def test_a_child_does_not_run_what_lies_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit(1)")
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    one = Reader()
    assert one.read("page.html", b"<p>Well.</p>")[0].text == "Well."
    one.close()


def test_a_child_is_confined_and_told_no_key(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    monkeypatch.setenv("CLOUD_API_KEY", "not for parsers")
    reader.read("page.html", b"<p>Well.</p>")
    assert reader._child is not None
    kernel = Path(f"/proc/{reader._child.pid}")
    assert b"not for parsers" not in (kernel / "environ").read_bytes()
    limits = (kernel / "limits").read_text().splitlines()
    (memory,) = (line.split()[3] for line in limits if line.startswith("Max address space"))
    assert memory == str(child.MEMORY_BYTES_MAX), "the running child is confined"


def test_links_and_devices_are_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("The password of the safe.")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe.txt")
    (folder / "endless.txt").write_text("x" * 100_000)
    (folder / "good.txt").write_text("The boat is in the harbour.")
    (folder / "huge.txt").write_bytes(b"x" * (formats.TEXT_BYTES_MAX + 1))
    index = DocumentIndex(":memory:", Embedder())
    report = index.add_folder("notes", folder)
    assert dict(index.left_out("notes")) == {
        "huge.txt": LeftOut.TOO_LARGE.value,
        "link.txt": LeftOut.LINK.value,
        "linked": LeftOut.LINK.value,
        "pipe.txt": LeftOut.DEVICE.value,
    }
    assert report.data_set.documents == 2
    assert index.search("notes", "Where is the boat?", 1)[0].document == "good.txt"
    index.close()


def test_a_file_that_became_a_link_after_it_was_found_is_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("The password of the safe.")
    (folder / "a.txt").write_text("text")
    (found,) = found_files(folder)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(CannotRead):
        content_of(found)


def test_an_answer_too_large_is_no_answer(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    monkeypatch.setattr(reading, "ANSWER_BYTES_MAX", 4)
    with pytest.raises(CannotRead):
        reader.read("page.html", b"<p>Well.</p>")
