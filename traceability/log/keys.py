"""The log's private keys: files that only the program may read, or a setting.

Files lie in one folder, `<key id>.key`; those that a rotation has set aside end in `.retired`.
"""

import os
from pathlib import Path

from foundation.errors import Refused
from traceability.log.models import EVENTS, RECORDS
from traceability.log.notes import SignerKey, VerifierKey, new_key, parse_signer

SUFFIX = ".key"
RETIRED = ".retired"
MOST_KEYS = 2


class RotationRefused(Refused):
    """A rotation that can't begin or end now."""

    code = "rotation_refused"
    status = 409


def origin_of(host: str) -> str:
    """Give the log's name from the public host: its address without the scheme."""
    return f"{host}/log"


def signers(folder: Path, *, host: str, given: str = "") -> list[SignerKey]:
    """Give the keys that sign now, oldest first; the first one is made when there is none.

    `given` is the setting that holds a key's text; then no file is read.
    """
    if given:
        return [parse_signer(text) for text in given.split()]
    found = stored(folder)
    if not found:
        keep(folder, new_key(origin_of(host)))
        found = stored(folder)
    return found


def stored(folder: Path) -> list[SignerKey]:
    """Give the keys that lie in `folder` and sign, oldest first."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    return [parse_signer(path.read_text(encoding="utf-8").strip()) for path in files]


def keep(folder: Path, key: SignerKey) -> Path:
    """Write a key to a file of its own, for this user only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = len(list(folder.glob(f"*{SUFFIX}*"))) + 1
    path = folder / f"{number:04d}-{key.verifier.key_id.hex()}{SUFFIX}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(key.text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def rotate(folder: Path) -> SignerKey:
    """Add a key of the same name; until the old one is retired, both sign."""
    present = stored(folder)
    if not present:
        raise RotationRefused("There is no key yet; the worker makes the first one")
    if len(present) >= MOST_KEYS:
        raise RotationRefused("A rotation is under way; retire the old key first")
    key = new_key(present[-1].name)
    keep(folder, key)
    return key


def retire(folder: Path) -> SignerKey:
    """End a rotation: the older key signs no more; its file is set aside."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if len(files) < MOST_KEYS:
        raise RotationRefused("There is only one key; rotate first")
    key = parse_signer(files[0].read_text(encoding="utf-8").strip())
    files[0].rename(files[0].with_name(files[0].name + RETIRED))
    return key


def of_log(key: SignerKey, log: str) -> SignerKey:
    """Give the key under the name with which it signs one of the two logs."""
    return key if log == EVENTS else SignerKey(records_origin(key.name), key.seed)


def verifier_of_log(key: VerifierKey, log: str) -> VerifierKey:
    """Give the public key under the name with which it signs one of the two logs."""
    return key if log == EVENTS else VerifierKey(records_origin(key.name), key.kind, key.public)


def records_origin(origin: str) -> str:
    """Give the name of the log of records."""
    return f"{origin}/{RECORDS}"
