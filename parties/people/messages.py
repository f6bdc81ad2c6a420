"""What people tell other rooms, after the fact. Ids only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageWanted:
    """A mail or text message is waiting in `sent_messages` under `message_id`."""

    message_id: int


@dataclass(frozen=True, slots=True)
class AccountErased:
    """The account's owner closed it; rooms that keep addresses for it forget them."""

    account_id: int
