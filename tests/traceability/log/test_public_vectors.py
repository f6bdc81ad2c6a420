"""The tree and the notes agree with everything that is public about them."""

import base64
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.traceability.public_vectors import public_folder, public_vectors
from traceability.log import merkle, notes, tiles


def b64(text: str) -> bytes:
    return base64.b64decode(text)


def proof_of(case: dict[str, Any]) -> list[bytes]:
    return [b64(each) for each in case["proof"] or ()]


def test_every_public_inclusion_proof_gets_its_verdict() -> None:
    cases = [public_vectors(path) for path in public_folder("merkle/inclusion")]
    assert len(cases) == 98
    wrong = []
    for case in cases:
        leaf, root = b64(case["leafHash"]), b64(case["root"])
        try:
            merkle.check_inclusion(leaf, case["leafIdx"], case["treeSize"], proof_of(case), root)
            refused = False
        except merkle.ProofRefused:
            refused = True
        if refused is not (case["wantErr"] or case["treeSize"] == 0):
            wrong.append(case["desc"])
    assert wrong == []


def test_the_reference_tree_has_the_public_hashes_and_proofs() -> None:
    tree = public_vectors("merkle/reference-tree.json")
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in tree["leafInputs"]]
    assert [leaf.hex() for leaf in leaves] == tree["nodeHashes"][0]
    node = merkle.nodes_of(leaves)
    for level, row in enumerate(tree["nodeHashes"]):
        assert [node(level, at).hex() for at in range(len(row))] == row
    roots = tree["rootHashesBySize"]
    assert [merkle.root_of(leaves[:size]).hex() for size in range(len(roots))] == roots


def test_every_proof_of_small_trees_holds_and_no_altered_one_does() -> None:
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(20)]
    node = merkle.nodes_of(leaves)
    roots = [merkle.root_of(leaves[:size]) for size in range(len(leaves) + 1)]
    for size in range(1, len(leaves) + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, node)
            merkle.check_inclusion(leaves[index], index, size, proof, roots[size])
            for at in range(len(proof)):
                bad = [*proof[:at], merkle.EMPTY_ROOT, *proof[at + 1 :]]
                with pytest.raises(merkle.ProofRefused):
                    merkle.check_inclusion(leaves[index], index, size, bad, roots[size])
        for first in range(1, size + 1):
            proof = merkle.consistency_proof(first, size, node)
            merkle.check_consistency(first, size, proof, roots[first], roots[size])
            for bad in ([*proof, roots[1]], [roots[1], *proof], proof[:-1] or [roots[1]]):
                with pytest.raises(merkle.ProofRefused):
                    merkle.check_consistency(first, size, bad, roots[first], roots[size])


def test_signed_notes_agree_with_the_public_vectors() -> None:
    known = public_vectors("tlog/signed-note.json")
    signer = notes.parse_signer(known["signerKey"])
    assert signer.text == known["signerKey"]
    signed = notes.write_note(known["text"], [signer.sign(known["text"])])
    assert signed.decode() == known["signedNote"]
    for case in known["open"]:
        keys = [notes.parse_verifier(key) for key in case["keys"]]
        if not case["ok"]:
            with pytest.raises(notes.NoteRefused):
                notes.open_note(case["note"].encode(), keys)
            continue
        note = notes.open_note(case["note"].encode(), keys)
        assert [each.name for each in note.verified] == case["verified"]
        assert [each.name for each in note.unverified] == case["unverified"]


def test_keys_that_are_not_quite_right_are_refused() -> None:
    known = public_vectors("tlog/signed-note.json")
    for text in known["validVerifierKeys"]:
        assert notes.parse_verifier(text).text == text
    good = known["validVerifierKeys"][0]
    cut = {good[i:j] for i in range(len(good)) for j in range(i + 1, len(good) + 1)} - {good}
    off = {good[:i] + chr(ord(good[i]) + 1) + good[i + 1 :] for i in range(len(good))}
    for bad in (*known["invalidVerifierKeys"], *cut, *off, ""):
        with pytest.raises(notes.NoteRefused):
            notes.parse_verifier(bad)


def test_checkpoints_are_read_strictly() -> None:
    known = public_vectors("tlog/signed-note.json")
    text, _ = notes.read_note(known["checkpointExample"].encode())
    checkpoint = notes.parse_checkpoint(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text == text
    origin, size, root, _ = text.split("\n")
    for bad in (
        f"{origin}\n{size}\n",
        f"\n{size}\n{root}\n",
        f"{origin}\n0{size}\n{root}\n",
        f"{origin}\n-{size}\n{root}\n",
        f"{origin}\n{size}\n{root}",
        f"{origin}\n{size}\n{root}\n\n",
        f"{origin}\n{size}\n{root[:-4]}\n",
        f"{origin}\n{size * 4}\n{root}\n",
    ):
        with pytest.raises(notes.NoteRefused):
            notes.parse_checkpoint(bad)


def test_a_cosignature_signs_the_time_and_the_whole_text() -> None:
    log = notes.new_key("log.example/log")
    plain = notes.new_key("witness.example/w1")
    witness = notes.SignerKey(plain.name, plain.seed, notes.COSIGNATURE)
    text = notes.Checkpoint(log.name, 1, merkle.leaf_hash(b"")).text
    at = notes.stamp_of(witness.sign(text))
    assert at.timestamp() == 0
    note = notes.write_note(text, [log.sign(text), witness.sign(text, at)])
    assert len(notes.open_note(note, [log.verifier, witness.verifier]).verified) == 2
    assert len(notes.open_note(note, [witness.verifier]).unverified) == 1
    with pytest.raises(notes.NoteRefused):
        notes.open_note(note.replace(b"\n1\n", b"\n2\n"), [witness.verifier])
    with pytest.raises(notes.NoteRefused):  # the same key for plain notes did not sign
        notes.open_note(note, [plain.verifier])


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", tiles.Tile(0, 0)),
        ("tile/0/001.p/5", tiles.Tile(0, 1, 5)),
        ("tile/5/x123/x456/078.p/2", tiles.Tile(5, 123456078, 2)),
        ("tile/0/x001/x234/067", tiles.Tile(0, 1234067)),
        ("tile/entries/x003/x057/500", tiles.Tile(tiles.ENTRIES, 3057500)),
        ("tile/63/000.p/255", tiles.Tile(63, 0, 255)),
    ],
)
def test_a_tile_has_one_address(path: str, tile: tiles.Tile) -> None:
    assert tiles.parse_path(path) == tile
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/3/5/123/456/078",
        "tile/-1/123",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/0",
        "tile/0/1000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000/",
        "tile/data/000",
        "tile/0/٠٠٠",
    ],
)
def test_a_second_address_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(tiles.TileRefused):
        tiles.parse_path(path)


def test_tiles_of_a_size_are_those_of_the_standards_example() -> None:
    found = list(tiles.tiles_of(70_000))
    by_level = {level: [t for t in found if t.level == level] for level in (tiles.ENTRIES, 0, 1, 2)}
    assert [len(row) for row in by_level.values()] == [274, 274, 2, 1]
    assert [row[-1].width for row in by_level.values()] == [112, 112, 17, 1]
    assert [t.width for t in tiles.tiles_of(256)] == [256, 256, 1]
    assert all(a != b for a, b in pairwise(found))
    assert list(tiles.tiles_of(0)) == []


def test_bundles_are_read_back_and_refused_when_cut_short() -> None:
    entries = [b"", b"a", b"b" * 300]
    assert tiles.unbundle(tiles.bundle(entries)) == entries
    for short in (tiles.bundle(entries)[:-1], b"\x00"):
        with pytest.raises(tiles.TileRefused):
            tiles.unbundle(short)


def test_the_vectors_folder_is_read_where_it_lies() -> None:
    assert all(isinstance(path, str) for path in public_folder("merkle/inclusion"))
    assert not (Path(__file__).parent / "vectors").exists()
