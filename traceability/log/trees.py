"""Reading the two trees: a tile from its row or, while it grows, from what it is made of."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from traceability.log import merkle
from traceability.log.models import EVENTS, LogLeaf, LogTile
from traceability.log.records import Record
from traceability.log.tiles import HEIGHT, WIDTH, width_at

LEAVES = (
    select(
        LogLeaf.leaf_index,
        LogLeaf.event_hash,
        LogLeaf.public_hash,
        LogLeaf.subjects_root,
        LogLeaf.subjects_count,
    )
    .where(LogLeaf.leaf_index >= bindparam("start"), LogLeaf.leaf_index < bindparam("end"))
    .order_by(LogLeaf.leaf_index)
)
HASHES = (
    select(LogLeaf.event_hash)
    .where(LogLeaf.leaf_index >= bindparam("start"), LogLeaf.leaf_index < bindparam("end"))
    .order_by(LogLeaf.leaf_index)
)
FULL = select(LogTile.hashes).where(
    LogTile.log == bindparam("log"),
    LogTile.level == bindparam("level"),
    LogTile.tile_index == bindparam("tile_index"),
)
ROOTS = (
    select(LogTile.root)
    .where(
        LogTile.log == bindparam("log"),
        LogTile.level == bindparam("level"),
        LogTile.tile_index >= bindparam("start"),
        LogTile.tile_index < bindparam("end"),
    )
    .order_by(LogTile.tile_index)
)
NEXT = select(func.max(LogLeaf.leaf_index))


def size_now(session: Session) -> int:
    """Give how many leaves are written."""
    last = session.connection().execute(NEXT).scalar()
    return 0 if last is None else int(last) + 1


def records(session: Session, start: int, end: int) -> list[Record]:
    """Give the records of leaves start..end."""
    rows = session.connection().execute(LEAVES, {"start": start, "end": end})
    return [Record(row[0], row[1], bytes(row[2]), bytes(row[3]), row[4]) for row in rows]


def entry_of(log: str, record: Record) -> bytes:
    """Give the bytes that stand in a log for a leaf."""
    return record.event_hash.encode("ascii") if log == EVENTS else record.entry


class Tree:
    """One of the two trees at one size, as it lies in the database; reads each tile once."""

    def __init__(self, session: Session, log: str, size: int) -> None:
        self.session, self.log, self.size = session, log, size
        self._tiles: dict[tuple[int, int], merkle.Node] = {}

    def hashes(self, level: int, index: int, width: int) -> list[bytes]:
        """Give the first `width` hashes of a tile; fewer when the log is not so long."""
        connection = self.session.connection()
        asked: dict[str, object] = {"log": self.log, "level": level, "tile_index": index}
        kept = connection.execute(FULL, asked).scalar() if width == WIDTH else None
        if kept is not None:
            data = bytes(kept)
            step = merkle.HASH_SIZE
            return [data[at : at + step] for at in range(0, width * step, step)]
        start = index * WIDTH
        if level:
            asked = {"log": self.log, "level": level - 1, "start": start, "end": start + width}
            return [bytes(root) for root in connection.execute(ROOTS, asked).scalars().all()]
        if self.log == EVENTS:
            rows = connection.execute(HASHES, {"start": start, "end": start + width})
            return [merkle.leaf_hash(ni.encode("ascii")) for ni in rows.scalars().all()]
        return [
            merkle.leaf_hash(record.entry) for record in records(self.session, start, start + width)
        ]

    def node(self, level: int, index: int) -> bytes:
        """Give the hash of the complete subtree at (level, index)."""
        tall, low = divmod(level, HEIGHT)
        at = index << low  # the first hash of the tiles' level below it
        tile, within = divmod(at, WIDTH)
        found = self._tiles.get((tall, tile))
        if found is None:
            width = width_at(tall, tile, self.size)
            found = self._tiles[tall, tile] = merkle.nodes_of(self.hashes(tall, tile, width))
        return found(low, within >> low)

    def root(self) -> bytes:
        """Give the root at this size."""
        return merkle.range_root(0, self.size, self.node)

    def inclusion(self, index: int) -> list[bytes]:
        """Prove a leaf; raise ProofRefused when there is none at `index`."""
        return merkle.inclusion_proof(index, self.size, self.node)

    def consistency(self, first: int) -> list[bytes]:
        """Prove that the tree of `first` leaves begins this one."""
        return merkle.consistency_proof(first, self.size, self.node)


def full_tiles(
    tree: Tree, start: int, leaves: Sequence[bytes]
) -> list[tuple[int, int, bytes, bytes]]:
    """Give the tiles that become full when `leaves` follow at `start`: level, index, root, hashes.

    `tree` is the tree before; a tile that began there is completed.
    """
    made: list[tuple[int, int, bytes, bytes]] = []
    level, added = 0, list(leaves)
    while added:
        tile, within = divmod(start, WIDTH)
        row = (tree.hashes(level, tile, within) if within else []) + added
        roots: list[bytes] = []
        for at in range(0, len(row) - WIDTH + 1, WIDTH):
            hashes = row[at : at + WIDTH]
            rising = hashes
            while len(rising) > 1:
                rising = merkle.grow(rising)
            made.append((level, tile, rising[0], b"".join(hashes)))
            roots.append(rising[0])
            tile += 1
        start, added, level = start >> HEIGHT, roots, level + 1
    return made
