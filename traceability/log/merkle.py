"""The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1, with SHA-256. Pure.

Proofs are made from the hashes of complete subtrees alone, which a caller supplies by level and
index: node (level, index) covers the leaves index << level up to (index + 1) << level.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves: the hash of nothing."""

Node = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at (level, index)."""


class ProofRefused(ValueError):  # noqa: N818 -- "no" is called refused in this house
    """A proof that doesn't prove what it is said to prove; the message says where it fails."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash a leaf: 0x00 and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children: 0x01, left, right."""
    return sha256(b"\x01" + left + right).digest()


def grow(hashes: Sequence[bytes]) -> list[bytes]:
    """Give the parents of `hashes`, pair by pair; an odd last one has no parent yet."""
    hashed = sha256
    return [
        hashed(b"\x01" + hashes[at] + hashes[at + 1]).digest()
        for at in range(0, len(hashes) - 1, 2)
    ]


def subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give the complete subtrees that together cover the leaves start..end, left to right.

    `start` must be a multiple of the smallest power of two that is not below `end - start`.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def range_root(start: int, end: int, node: Node) -> bytes:
    """Give the root over the leaves start..end, as a tree of their own (RFC 9162 2.1.1)."""
    if start == end:
        return EMPTY_ROOT
    hashes = [node(level, index) for level, index in subtrees(start, end)]
    root = hashes.pop()
    while hashes:
        root = node_hash(hashes.pop(), root)
    return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes that are all at hand."""
    return range_root(0, len(leaves), nodes_of(leaves))


def nodes_of(leaves: Sequence[bytes]) -> Node:
    """Give the complete subtrees over leaf hashes that are all at hand."""
    levels = [leaves]

    def node(level: int, index: int) -> bytes:
        while level >= len(levels):
            levels.append(grow(levels[-1]))
        return levels[level][index]

    return node


def split(size: int) -> int:
    """Give the largest power of two below `size`: how many leaves are left of the root."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Give the leaf ranges whose roots are the inclusion path of `index`, from the leaf upward."""
    if not 0 <= index < size:
        raise ProofRefused(f"there is no leaf {index} in a tree of size {size}")
    path: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Prove that leaf `index` is in the tree of `size` (RFC 9162 section 2.1.3.1)."""
    return [range_root(start, end, node) for start, end in inclusion_ranges(index, size)]


def consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """Give the leaf ranges whose roots prove that the tree of `first` begins that of `second`."""
    if not 0 < first <= second:
        raise ProofRefused(f"nothing is proven from size {first} to size {second}")
    path: list[tuple[int, int]] = []
    start, end = 0, second
    while first != end:
        middle = start + split(end - start)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    if start:  # the first tree's root itself need not be told
        path.append((start, end))
    return path[::-1]


def consistency_proof(first: int, second: int, node: Node) -> list[bytes]:
    """Prove that nothing before `first` was changed up to `second` (RFC 9162 2.1.4.1)."""
    return [range_root(start, end, node) for start, end in consistency_ranges(first, second)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Compute the root that `proof` leads to (RFC 9162 section 2.1.3.2); refuse a wrong shape."""
    if not 0 <= index < size:
        raise ProofRefused(f"there is no leaf {index} in a tree of size {size}")
    _sized((leaf, *proof))
    at, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if at & 1 or at == last:
            root = node_hash(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    return root


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Hold an inclusion proof to `root`; raise ProofRefused when it doesn't lead there."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise ProofRefused("the proof leads to another root")


def check_consistency(
    first: int,
    second: int,
    proof: Sequence[bytes],
    first_root: bytes,
    second_root: bytes,
) -> None:
    """Hold a consistency proof to both roots (RFC 9162 section 2.1.4.2), or raise ProofRefused."""
    if not 0 < first <= second:
        raise ProofRefused(f"nothing is proven from size {first} to size {second}")
    if first == second:
        if proof:
            raise ProofRefused("equal sizes need no proof")
        if first_root != second_root:
            raise ProofRefused("equal sizes have different roots")
        return
    _sized((*proof, first_root, second_root))
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    old, new = _roots_from_consistency(first, second, path)
    if old != first_root:
        raise ProofRefused("the proof leads to another first root")
    if new != second_root:
        raise ProofRefused("the proof leads to another second root")


def _roots_from_consistency(first: int, second: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    if not path:
        raise ProofRefused("the proof is empty")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    return old, new


def _sized(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_SIZE for each in hashes):
        raise ProofRefused("a hash has not 32 bytes")
