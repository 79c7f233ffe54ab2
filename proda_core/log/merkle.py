"""The Merkle tree of RFC 6962 (section 2.1) over a growing list, kept as the roots of its perfect subtrees.

Adding a leaf and asking for the root cost the logarithm of the tree's size, so that the root at every size of a log is had in one
reading. Leaves are hashed with 0x00 before them and nodes with 0x01, so that no node passes for a leaf.
"""

from __future__ import annotations

import hashlib
from functools import reduce


def hash_leaf(data: bytes) -> bytes:
    """SHA-256 of a leaf's bytes, as the RFC has it."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """SHA-256 over two subtrees' roots."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """Leaves are added at the end; ``size`` counts them."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[
            bytes
        ] = []  # roots of perfect subtrees, the largest first: one for each bit of the size

    def add(self, data: bytes) -> None:
        """Append a leaf: subtrees of equal size are joined, as carries are when the size is counted up in binary."""
        self._peaks.append(hash_leaf(data))
        carry = self.size
        while carry & 1:
            right = self._peaks.pop()
            self._peaks.append(hash_node(self._peaks.pop(), right))
            carry >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The tree head; of an empty tree the SHA-256 of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        return reduce(lambda right, left: hash_node(left, right), reversed(self._peaks))
