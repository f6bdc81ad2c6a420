"""The transparency log: every event's hash as a leaf of a Merkle tree that anyone can check."""
