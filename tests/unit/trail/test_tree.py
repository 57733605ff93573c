"""The tree of hashes, against the standard's own examples and a second way to compute it."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.trail.tree import (
    EMPTY_ROOT,
    Range,
    leaf_hash,
    node_hash,
    proof,
    root_from_proof,
    root_of,
)

# Source: the test vectors that implementations of Certificate Transparency share.
INPUTS = [bytes.fromhex(each) for each in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def _by_recursion(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(_by_recursion(leaves[:middle]), _by_recursion(leaves[middle:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_the_standard_s(size: int) -> None:
    assert root_of(map(leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Range().root() == EMPTY_ROOT == _by_recursion([])


@given(st.integers(0, 200))
def test_a_growing_tree_has_the_root_of_its_definition(size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    assert root_of(leaves) == _by_recursion(leaves)


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_tree_goes_on_from_its_peaks(before: int, after: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(before + after)]
    first = Range()
    for leaf in leaves[:before]:
        first.append(leaf)
    second = Range(first.size, first.peaks)
    second.extend(leaves[before:])
    assert second.size == before + after
    assert second.root() == _by_recursion(leaves)


def test_peaks_that_do_not_fit_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        Range(3, bytes(32))


@given(st.data())
def test_a_proof_leads_some_events_to_the_root_and_no_others(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    first = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(first + 1, size))
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    given_ = list(proof(first, end, size, lambda low, high: leaves[low:high]))
    assert len(given_) <= 2 * size.bit_length()
    known = leaves[first:end]
    assert root_from_proof(size, first, known, iter(given_)) == root_of(leaves)
    changed = [leaf_hash(b"another"), *known[1:]]
    assert root_from_proof(size, first, changed, iter(given_)) != root_of(leaves)
