"""The document index on real folders: what is read, what is left out, what changes, what is found."""

import os
import sqlite3
import stat
import threading

import pytest

from islandrun.errors import ConfigError, StateError
from islandrun_node.backends.embedder import Embedder
from islandrun_node.documents import files, formats
from islandrun_node.stores import intake, vectors
from islandrun_node.stores.documents import DocumentIndex


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture
def index(embedder, tmp_path):
    made = DocumentIndex(tmp_path / "documents.db", embedder)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "notes"
    made.mkdir()
    (made / "boat.txt").write_text("The boat is in the harbour. Its engine needs oil.")
    (made / "tax.md").write_text("# Tax\nThe tax return is due in July.\n")
    return made


def best(index: DocumentIndex, query: str) -> tuple[str, str]:
    passage = index.search("notes", query, 1)[0]
    return passage.document, passage.text


def best_in(index: DocumentIndex, name: str, query: str) -> str:
    return index.search(name, query, 1)[0].text


def test_a_folder_is_found_by_meaning(index, folder):
    report = index.add_folder("notes", folder)
    assert (report.updated, report.removed, report.unchanged, report.skipped) == (2, 0, 0, 0)
    assert (report.data_set.documents, report.data_set.passages) == (2, 3)
    assert best(index, "Where is my ship?") == ("boat.txt", "The boat is in the harbour.")
    scores = [passage.score_ppm for passage in index.search("notes", "When do I pay taxes?", 8)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert all(0 <= score <= 1_000_000 for score in scores)


def test_only_what_changed_is_read_again(index, folder):
    index.add_folder("notes", folder)
    (folder / "boat.txt").write_text("The boat was sold.")
    (folder / "tax.md").unlink()
    (folder / "new.txt").write_text("A kayak hangs in the shed.")
    report = index.add_folder("notes", folder)
    assert (report.updated, report.removed, report.unchanged) == (2, 1, 0)
    assert {passage.text for passage in index.search("notes", "boat", 8)} == {
        "The boat was sold.",
        "A kayak hangs in the shed.",
    }
    report = index.add_folder("notes", folder)
    assert (report.updated, report.removed, report.unchanged) == (0, 0, 2)


def test_only_text_inside_the_folder_is_read(index, folder, tmp_path):
    (tmp_path / "outside.txt").write_text("The password of the safe.")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    (folder / ".hidden.txt").write_text("hidden")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / "program.txt").write_bytes(b"MZ\0\0")
    (folder / "latin.txt").write_bytes(bytes(range(128, 256)) * 10)
    (folder / "huge.txt").write_bytes(b"x" * (formats.TEXT_BYTES_MAX + 1))
    (folder / "deep").mkdir()
    (folder / "deep" / "inner.txt").write_text("An anchor lies in the cellar.")
    report = index.add_folder("notes", folder)
    assert report.data_set.documents == 3
    assert report.skipped == 6
    assert best(index, "anchor")[0] == "deep/inner.txt"
    assert "password" not in " ".join(index.texts("notes"))


def test_html_and_tables_are_read_as_people_see_them(index, folder):
    page = "<html><head><title>t</title><style>b{}</style></head><body><h1>Boats</h1><p>The <b>red</b>\nboat."
    (folder / "page.html").write_text(page + "<script>var secret = 1</script><ul><li>First item</li></ul>")
    (folder / "list.csv").write_text('name,port\nAlma,"Bergen, Norway"\n,\nBela,Gdansk\n')
    index.add_folder("notes", folder)
    texts = list(index.texts("notes"))
    assert "The red boat." in texts
    assert "First item" in texts
    assert "name: Alma; port: Bergen, Norway" in texts
    assert not any("secret" in text or "{" in text for text in texts)


def test_an_index_survives_closing_and_is_private(embedder, folder, tmp_path):
    path = tmp_path / "again.db"
    first = DocumentIndex(path, embedder)
    first.add_folder("notes", folder)
    first.close()
    second = DocumentIndex(path, embedder)
    assert second.names() == ("notes",)
    assert best(second, "Where is my ship?")[0] == "boat.txt"
    second.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_another_process_adds_is_found_at_the_next_search(embedder, index, folder, tmp_path):
    index.add_folder("notes", folder)
    index.search("notes", "boat")
    other = DocumentIndex(tmp_path / "documents.db", embedder)
    (folder / "plane.txt").write_text("The glider is in the hangar.")
    other.add_folder("notes", folder)
    other.close()
    assert best(index, "Where is the glider?")[0] == "plane.txt"


def test_an_index_of_another_model_is_emptied(embedder, folder, tmp_path):
    class Other(Embedder):
        name = "other"

    path = tmp_path / "again.db"
    first = DocumentIndex(path, Other())
    first.add_folder("notes", folder)
    first.close()
    second = DocumentIndex(path, embedder)
    assert second.search("notes", "boat") == ()
    assert second.add_folder("notes", folder).updated == 2
    second.close()


def test_vectors_beyond_the_memory_are_read_from_the_disk(index, folder, monkeypatch):
    monkeypatch.setattr(vectors, "MEMORY_BYTES_MAX", 7 * 400)
    for name in ("a", "b", "c", "d"):
        index.add_folder(name, folder)
    for name in ("a", "b", "c", "d", "a"):
        assert index.search(name, "Where is my ship?", 1)[0].data_set == name
        assert 0 < index.vectors.held_bytes <= 7 * 400
    monkeypatch.setattr(vectors, "MEMORY_BYTES_MAX", 2 * 396)
    monkeypatch.setattr(vectors, "BLOCK_ROWS", 1)
    index.vectors.forget()
    assert best_in(index, "d", "Where is my ship?") == "The boat is in the harbour."
    assert index.vectors.held_bytes == 0


def test_removing_a_data_set_leaves_no_text_in_the_file(index, folder, tmp_path):
    index.add_folder("notes", folder)
    assert index.remove("notes")
    assert not index.remove("notes")
    assert index.search("notes", "boat") == ()
    with pytest.raises(ConfigError, match="add it first"):
        index.data_set("notes")
    for path in tmp_path.glob("documents.db*"):
        assert b"harbour" not in path.read_bytes(), path


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65, "-a"])
def test_an_unfit_name_is_refused(index, folder, name):
    with pytest.raises(ConfigError, match="needs a name"):
        index.add_folder(name, folder)


def test_a_missing_folder_is_refused(index, tmp_path):
    with pytest.raises(ConfigError, match="not a folder"):
        index.add_folder("notes", tmp_path / "nowhere")
    assert index.names() == ()


def test_a_file_too_much_is_left_out_with_its_reason_and_the_rest_is_read(index, folder, monkeypatch):
    index.add_folder("notes", folder)
    monkeypatch.setattr(intake, "PASSAGES_PER_DATA_SET_MAX", 4)
    (folder / "boat.txt").write_text("One is here. Two is here. Three is here. Four is here.")
    report = index.add_folder("notes", folder)
    assert (report.data_set.documents, report.skipped) == (1, 1)
    assert index.left_out("notes") == (("boat.txt", "the data set is full"),)
    assert best(index, "Where is my ship?")[0] == "tax.md"
    monkeypatch.setattr(files, "FILES_MAX", 1)
    with pytest.raises(ConfigError, match="more than 1 files"):
        index.add_folder("notes", folder)


def test_a_file_that_is_no_index_is_refused_and_left_alone(embedder, tmp_path):
    path = tmp_path / "documents.db"
    path.write_bytes(b"this is not a database, but somebody's letter" * 30)
    before = path.read_bytes()
    with pytest.raises(StateError, match="made again from the folders"):
        DocumentIndex(path, embedder)
    assert path.read_bytes() == before


def test_an_index_of_a_newer_version_is_refused(embedder, tmp_path):
    path = tmp_path / "documents.db"
    DocumentIndex(path, embedder).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match="newer version"):
        DocumentIndex(path, embedder)


def test_threads_may_read_while_one_adds(index, folder):
    index.add_folder("notes", folder)
    faults: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(20):
                assert index.search("notes", "boat", 3)
        except BaseException as error:
            faults.append(error)

    readers = [threading.Thread(target=search) for _ in range(4)]
    for reader in readers:
        reader.start()
    for round_ in range(10):
        (folder / "tax.md").write_text(f"The tax return {round_} is due.")
        index.add_folder("notes", folder)
    for reader in readers:
        reader.join()
    assert faults == []


def test_passages_hide_their_text_from_repr(index, folder):
    index.add_folder("notes", folder)
    assert "harbour" not in repr(index.search("notes", "boat"))
    assert "boat.txt" not in repr(index.search("notes", "boat"))


def test_a_file_that_changed_within_one_tick_of_its_clock_is_read_again(index, folder):
    path = folder / "boat.txt"
    index.add_folder("notes", folder)
    seen = path.stat()
    path.write_text(path.read_text().replace("oil", "tar"))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert path.stat().st_size == seen.st_size
    assert index.add_folder("notes", folder).updated == 1
    long_ago = seen.st_mtime_ns - 10 * intake.RACY_NS
    os.utime(path, ns=(long_ago, long_ago))
    assert index.add_folder("notes", folder).updated == 0, "only its time changed"
    path.chmod(0)
    assert index.add_folder("notes", folder).skipped == 0, "a file that is surely the same is not opened"
