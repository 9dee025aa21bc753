"""What an index says of its table is true at any time, whatever was asked before and wherever it began."""

from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.mesh.sync import Index
from islandrun.vocabulary import PublicKey

ISSUER = PublicKey(bytes(32))
numbers = st.integers(0, 200)
steps = st.lists(st.tuples(st.sampled_from(["put", "drop"]), numbers, st.integers(1, 3)), max_size=30)


def place(number: int) -> bytes:
    return (number * 0x1_4321 % 2**16).to_bytes(2, "big") + number.to_bytes(30, "big")


def taken(index: Index, held: dict[int, int], steps: list[tuple[str, int, int]]) -> None:
    """Change an index, and ask it after each step, so that it keeps what it answers."""
    for verb, number, sequence in steps:
        if verb == "put":
            held[number] = sequence
            index.put(place(number), (0, sequence, number.to_bytes(4, "big") + bytes(4)), ISSUER)
        else:
            held.pop(number, None)
            index.drop(place(number))
        index.digest()


def anew(held: dict[int, int]) -> Index:
    index = Index()
    taken(index, {}, [("put", number, sequence) for number, sequence in held.items()])
    return index


@given(st.integers(0, 150), steps, steps)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_an_index_and_its_fork_are_as_if_made_anew(
    begun: int, first: list[tuple[str, int, int]], second: list[tuple[str, int, int]]
) -> None:
    index, held = Index(), dict[int, int]()
    taken(index, held, [("put", number, 1) for number in range(begun)])
    taken(index, held, first)
    before = index.digest()
    fork, forked = index.fork(), dict(held)
    taken(fork, forked, second)
    fresh = anew(forked)
    assert fork.digest() == fresh.digest()
    assert fork.differing(fresh.digest()) == ()
    assert index.digest() == before == anew(held).digest()
    differing = index.differing(fork.digest(before.buckets_log2))
    is_alike = {key: index.get(key) for key in map(place, held)} == {
        key: fork.get(key) for key in map(place, forked)
    }
    assert (not differing) is is_alike
