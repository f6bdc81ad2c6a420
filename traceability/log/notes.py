"""Signed notes (C2SP signed-note), checkpoints (tlog-checkpoint) and cosignatures (v1, Ed25519).

Pure but for making a new key. The clauses are those of c2sp.org.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04
MOST_SIGNATURES = 100
ID_SIZE = 4
SEED_SIZE = 32
STAMP_SIZE = 8
DASH = "— "
_HEX_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class NoteRefused(ValueError):  # noqa: N818 -- "no" is called refused in this house
    """A note, key or checkpoint that is malformed, or signed by nobody known, or wrongly."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of signature: who, the four bytes that name the key, and what it made."""

    name: str
    key_id: bytes
    signed: bytes

    @property
    def line(self) -> str:
        """Give it as a line of a note."""
        text = base64.b64encode(self.key_id + self.signed).decode()
        return f"{DASH}{self.name} {text}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures of known and of unknown keys."""

    text: str
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, as `vkey` texts carry it."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Give the four bytes that name the key in a signature."""
        return sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """Give the key as text."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def holds(self, text: str, signed: bytes) -> bool:
        """Tell whether `signed` is this key's signature of `text`."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signed) <= STAMP_SIZE:
                return False
            stamp = int.from_bytes(signed[:STAMP_SIZE], "big")
            if stamp >> 63:
                return False
            message, signed = cosigned(text, stamp), signed[STAMP_SIZE:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signed, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key with its name."""

    name: str
    seed: bytes
    kind: int = ED25519

    @property
    def verifier(self) -> VerifierKey:
        """Give the public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, self.kind, public.public_bytes_raw())

    @property
    def text(self) -> str:
        """Give the key as text, to be kept secret."""
        material = base64.b64encode(bytes([ED25519]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{material}"

    def sign(self, text: str, at: datetime | None = None) -> Signature:
        """Sign `text`; a cosigner says `at` which time it saw the log so."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        verifier = self.verifier
        if self.kind == COSIGNATURE:
            stamp = int((at or datetime.fromtimestamp(0, UTC)).timestamp())
            signed = stamp.to_bytes(STAMP_SIZE, "big") + key.sign(cosigned(text, stamp))
        else:
            signed = key.sign(text.encode())
        return Signature(self.name, verifier.key_id, signed)


def cosigned(text: str, stamp: int) -> bytes:
    """Give what a v1 cosignature signs: a header, the time in seconds, the note's text."""
    return f"cosignature/v1\ntime {stamp}\n{text}".encode()


def stamp_of(signature: Signature) -> datetime:
    """Give the time that a cosignature carries."""
    if len(signature.signed) != STAMP_SIZE + 64:
        raise NoteRefused("this is no timestamped signature")
    stamp = int.from_bytes(signature.signed[:STAMP_SIZE], "big")
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise NoteRefused("the cosignature's time is out of range") from error


def new_key(name: str) -> SignerKey:
    """Make a new Ed25519 key."""
    _named(name)
    return SignerKey(name, Ed25519PrivateKey.generate().private_bytes_raw())


def parse_verifier(text: str) -> VerifierKey:
    """Read a `vkey`: Ed25519, of notes or of cosignatures. Raises NoteRefused."""
    name, _, rest = text.partition("+")
    key_id, _, material = rest.partition("+")
    decoded = _decoded(material)
    if not _HEX_ID.fullmatch(key_id) or len(decoded) != 1 + SEED_SIZE:
        raise NoteRefused("this is not a verifier key")
    key = VerifierKey(_named(name), decoded[0], decoded[1:])
    if key.kind not in (ED25519, COSIGNATURE):
        raise NoteRefused("this kind of key is not known here")
    if key.key_id.hex() != key_id:
        raise NoteRefused("the key's id is not that of its name and material")
    return key


def parse_signer(text: str) -> SignerKey:
    """Read a private key as text. Raises NoteRefused, and never repeats the key."""
    parts = text.split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:  # noqa: PLR2004 -- the format's parts
        raise NoteRefused("this is not a signer key")
    name, key_id, material = parts[2:]
    decoded = _decoded(material)
    if not _HEX_ID.fullmatch(key_id) or len(decoded) != 1 + SEED_SIZE or decoded[0] != ED25519:
        raise NoteRefused("this is not a signer key")
    key = SignerKey(_named(name), decoded[1:])
    if key.verifier.key_id.hex() != key_id:
        raise NoteRefused("the key's id is not that of its name and material")
    return key


def _named(name: str) -> str:
    # Every Unicode space, whatever str.isspace thinks of control characters.
    if not name or "+" in name or any(c.isspace() or unicodedata.category(c) == "Zs" for c in name):
        raise NoteRefused("a key's name has no spaces and no plus sign")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise NoteRefused("a key's name is valid Unicode") from error
    return name


def _decoded(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused("this is not base64") from error
    if base64.b64encode(decoded).decode() != text:  # stray bits at the end would be a second form
        raise NoteRefused("this is not base64")
    return decoded


def read_note(message: bytes) -> tuple[str, list[Signature]]:
    """Take a note apart without believing it: its text and its lines of signature."""
    try:
        whole = message.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused("a note is UTF-8") from error
    if any(c < " " and c != "\n" for c in whole):
        raise NoteRefused("a note has no control characters")
    cut = whole.rfind("\n\n")
    if cut < 0 or not whole.endswith("\n") or cut + 2 == len(whole):
        raise NoteRefused("a note ends with signatures after an empty line")
    lines = whole[cut + 2 : -1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteRefused("the note has too many signatures")
    return whole[: cut + 1], [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    if not line.startswith(DASH):
        raise NoteRefused("this line is not a signature")
    name, _, text = line.removeprefix(DASH).partition(" ")
    decoded = _decoded(text)
    if len(decoded) <= ID_SIZE:
        raise NoteRefused("this line is not a signature")
    return Signature(_named(name), decoded[:ID_SIZE], decoded[ID_SIZE:])


def parse_signatures(lines: str) -> list[Signature]:
    """Read lines of signature that stand alone, as a witness answers them."""
    if not lines.endswith("\n") or lines.count("\n") > MOST_SIGNATURES:
        raise NoteRefused("this is not a list of signatures")
    return [_signature(line) for line in lines[:-1].split("\n")]


def open_note(message: bytes, keys: Iterable[VerifierKey]) -> Note:
    """Check a note against the keys one trusts.

    Raises NoteRefused when it is malformed, when a known key's signature is wrong, or when no
    known key signed it.
    """
    text, signatures = read_note(message)
    known: dict[tuple[str, bytes], list[VerifierKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.key_id), []).append(key)
    verified: dict[tuple[str, bytes], Signature] = {}
    unverified: dict[Signature, None] = {}
    for signature in signatures:
        who = (signature.name, signature.key_id)
        found = known.get(who)
        if found is None:
            unverified[signature] = None
            continue
        if len(found) > 1:
            raise NoteRefused(f"ambiguous key {signature.name}+{signature.key_id.hex()}")
        if who in verified:
            continue
        if not found[0].holds(text, signature.signed):
            raise NoteRefused(
                f"invalid signature for key {signature.name}+{signature.key_id.hex()}"
            )
        verified[who] = signature
    if not verified:
        raise NoteRefused("note has no verifiable signatures")
    return Note(text, tuple(verified.values()), tuple(unverified))


def write_note(text: str, signatures: Sequence[Signature]) -> bytes:
    """Write a note; of two signatures by one key the later one stays."""
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise NoteRefused("a note's text ends with a line break and has no control characters")
    kept = {(each.name, each.key_id): each for each in signatures}
    for each in kept.values():
        _named(each.name)
    return (text + "\n" + "".join(each.line for each in kept.values())).encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its name, how many leaves, their root, and what else it adds."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Give the note's text."""
        root = base64.b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note. Raises NoteRefused."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004 -- three lines, a break
        raise NoteRefused("a checkpoint has at least three lines, none of them empty")
    origin, size, root, *extensions = lines[:-1]
    if not _SIZE.fullmatch(size) or int(size) >= 1 << 63:
        raise NoteRefused("the tree size is a plain decimal number")
    decoded = _decoded(root)
    if len(decoded) != sha256().digest_size:
        raise NoteRefused("the root hash has 32 bytes")
    return Checkpoint(origin, int(size), decoded, tuple(extensions))
