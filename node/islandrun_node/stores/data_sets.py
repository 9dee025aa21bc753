"""The data sets that commands put on this island: which folder, and who may see it. In the state file."""

from __future__ import annotations

from dataclasses import dataclass

from islandrun.vocabulary import Ppm
from islandrun_node.fail_points import Step
from islandrun_node.stores.database import Database


@dataclass(frozen=True, slots=True)
class Declared:
    """A folder of documents as the owner put it here. `is_setting`: it stands in the settings file."""

    name: str
    path: str
    sensitivity_ppm: Ppm
    jurisdiction: str = ""
    description: str = ""
    is_setting: bool = False


class DataSetStore:
    """The declared data sets. A command may write them while the node runs, which sees it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Declared, ...]:
        """Return all of them by name."""
        query = "SELECT name, path, sensitivity_ppm, jurisdiction, description FROM data_sets ORDER BY name"
        found = []
        for name, path, sensitivity, jurisdiction, description in self._database.read(query):
            assert isinstance(sensitivity, int)
            found.append(
                Declared(str(name), str(path), Ppm(sensitivity), str(jurisdiction), str(description))
            )
        return tuple(found)

    def put(self, declared: Declared) -> None:
        """Add a data set, or say anew what it is."""
        row = (
            declared.name,
            declared.path,
            declared.sensitivity_ppm,
            declared.jurisdiction,
            declared.description,
        )
        with self._database.transaction(Step.DECLARE_DATA_SET) as cursor:
            cursor.execute("INSERT OR REPLACE INTO data_sets VALUES (?, ?, ?, ?, ?)", row)

    def remove(self, name: str) -> bool:
        """Take a data set away; say whether it was there."""
        with self._database.transaction(Step.REMOVE_DATA_SET) as cursor:
            return cursor.execute("DELETE FROM data_sets WHERE name = ?", (name,)).rowcount > 0

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        return self._database.data_version()
