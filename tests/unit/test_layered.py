"""A layered table behaves as a plain one, and leaves the one below as it is."""

from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.trust.layered import Layered, own

keys = st.integers(0, 8)
steps = st.lists(
    st.tuples(st.sampled_from(["set", "pop", "get", "default"]), keys, st.integers()), max_size=30
)


@given(st.dictionaries(keys, st.integers()), steps)
@settings(deadline=None, derandomize=True)
def test_it_is_a_table_like_any_other(below: dict[int, int], steps: list[tuple[str, int, int]]) -> None:
    before = dict(below)
    layered, plain = Layered(below), dict(below)
    for verb, key, value in steps:
        for table in (layered, plain):
            match verb:
                case "set":
                    table[key] = value
                case "pop":
                    table.pop(key, None)
                case "default":
                    table.setdefault(key, value)
                case _:
                    table.get(key)
        assert dict(layered) == plain
        assert len(layered) == len(plain)
        assert all((key in layered) is (key in plain) for key in range(9))
    assert below == before


def test_values_that_can_change_are_copied_when_they_are_first_looked_at() -> None:
    below = {"a": [1], "b": [2]}
    layered = Layered(below, list)
    layered["a"].append(3)
    assert layered["a"] == [1, 3]
    assert below == {"a": [1], "b": [2]}


def test_an_inner_table_is_layered_before_it_is_changed() -> None:
    below = {"a": {1: "one"}}
    layered: Layered[str, dict[int, str]] = Layered(below)
    own(layered, "a")[2] = "two"
    own(layered, "b")[3] = "three"
    assert {name: dict(inner) for name, inner in layered.items()} == {
        "a": {1: "one", 2: "two"},
        "b": {3: "three"},
    }
    assert below == {"a": {1: "one"}}
