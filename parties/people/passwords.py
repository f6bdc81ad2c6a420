"""Passwords at rest: argon2id (RFC 9106), slow on purpose."""

import threading
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Profile = Literal["standard", "test"]

AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Each hash takes 19 MiB; more than two at a time would let a crowd of guesses fill the memory."""


def password_hasher(profile: Profile) -> PasswordHasher:
    """Make a hasher: `standard` is OWASP's minimum for argon2id, `test` is cheap and unsafe."""
    if profile == "test":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class _Chosen:
    hasher = password_hasher("standard")
    nobody: str | None = None


def use_profile(profile: Profile) -> None:
    """Hash with `profile` from now on; said once, at start."""
    _Chosen.hasher, _Chosen.nobody = password_hasher(profile), None


def hash_password(password: str) -> str:
    """Give the hash under which `password` is kept; takes tens of milliseconds."""
    with AT_ONCE:
        return _Chosen.hasher.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` is the one behind `password_hash`.

    None stands for an account that isn't there; it takes as long as one that is, so that the
    time of the answer does not tell who has an account.
    """
    if password_hash is None:
        if _Chosen.nobody is None:
            _Chosen.nobody = hash_password("nobody has this password")
        _verify(password, _Chosen.nobody)
        return False
    return _verify(password, password_hash)


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _Chosen.hasher.check_needs_rehash(password_hash)


def _verify(password: str, password_hash: str) -> bool:
    with AT_ONCE:
        try:
            return _Chosen.hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
