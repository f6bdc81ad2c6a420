"""What the events recorded so far say of one thing, and what one more event makes of it."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from traceability.epcis.acts import Act


@dataclass(frozen=True, slots=True)
class ItemState:
    """What the events recorded so far say of one instance."""

    began_at: datetime | None = None
    """When it came into being, where that is recorded."""
    began: bool = False
    """True when it is known to have come into being, also where the time is not."""
    ended_at: datetime | None = None
    """When it was destroyed, used up or sold off the network."""
    end: str | None = None
    """The business step that ended it."""
    first_at: datetime | None = None
    """When it was first seen, where the ledger has seen it before it was told how it began."""
    last_at: datetime | None = None
    holder: int | None = None
    """The organisation that has it, or that shipped it and whose receiver has not yet received."""
    parent: str | None = None
    foreign: bool = True
    """Its beginning is not recorded here, nor is its key one of this network's goods."""


UNKNOWN: Final = ItemState()
States = MutableMapping[str, ItemState]

ENDS: Final = frozenset({"decommissioning", "destroying", "killing"})
BEFORE_ALL: Final = frozenset({"encoding", "reserving", "creating_class_instance"})
"""Steps that may come before a thing is there: its number is given out, its tag written."""
SALES: Final = frozenset({"retail_selling", "dispensing"})
SHIPS: Final = frozenset({"shipping", "consigning"})
"""Steps that only who holds an item may record; a carrier departs and arrives."""
RECEIVES: Final = frozenset({"receiving", "accepting", "collecting"})
RETURNS: Final = frozenset({"receiving", "accepting", "collecting", "void_shipping", "inspecting"})
"""After a sale an item may come back by these."""


def holder_of(item: str, states: Mapping[str, ItemState]) -> int | None:
    """Give who has an item: what is in a case is where the case is."""
    seen = {item}
    state = states.get(item, UNKNOWN)
    while (outer := state.parent) is not None and outer not in seen:
        seen.add(outer)
        if states.get(outer, UNKNOWN).holder is None:
            break
        state = states[outer]
    return state.holder


def is_inside(item: str | None, outer: str, states: Mapping[str, ItemState]) -> bool:
    """Say whether an item is packed in another, at whatever depth."""
    seen: set[str] = set()
    while item is not None and item not in seen:
        seen.add(item)
        item = states.get(item, UNKNOWN).parent
        if item == outer:
            return True
    return False


def is_late(act: Act, state: ItemState) -> bool:
    """Say whether more is known of the item than was so when this happened."""
    return state.last_at is not None and act.at < state.last_at


def is_over(act: Act, state: ItemState) -> bool:
    """Say whether an event speaks of an item after its end; what was sold may come back."""
    if state.ended_at is None or act.at <= state.ended_at:
        return False
    return not (state.end in SALES and act.step in RETURNS)


def advance(act: Act, states: States) -> None:
    """Bring the states of the things that an event names to what they are after it.

    Events come in the order in which they were recorded. One that happened before what is
    already known of a thing changes nothing of it but when it began.
    """
    if act.declared_error:
        return
    made, used = set(act.issued), set(act.inputs)
    for item in dict.fromkeys(act.named):
        before = states.get(item, UNKNOWN)
        after = _after(act, item, before, made=item in made, used=item in used)
        states[item] = after
    if act.event_type == "AggregationEvent":
        _regroup(act, states)


def _after(act: Act, item: str, state: ItemState, *, made: bool, used: bool) -> ItemState:
    if state.began_at is None and (state.first_at is None or act.at < state.first_at):
        state = replace(state, first_at=act.at)
    if made and (state.began_at is None or act.at < state.began_at):
        state = replace(state, began=True, began_at=act.at, foreign=False)
    if is_late(act, state):
        return state
    state = replace(state, last_at=act.at, began=True)
    if made and state.end is not None:
        state = replace(state, ended_at=None, end=None)
    if used or (act.step in ENDS | SALES and item in act.things):
        step = act.step if not used else "transforming"
        state = replace(state, ended_at=act.at, end=step, parent=None)
    elif state.end in SALES and act.step in RETURNS:
        state = replace(state, ended_at=None, end=None)
    if made or act.step in RECEIVES | SHIPS:
        return replace(state, holder=act.organisation_id)
    if item == act.parent and state.holder is None:
        return replace(state, holder=act.organisation_id)  # whoever packs into it has it
    return state


def _regroup(act: Act, states: States) -> None:
    if act.action == "ADD":
        for child in act.children:
            if not (state := states[child]).last_at or act.at >= state.last_at:
                states[child] = replace(state, parent=act.parent)
    elif act.action == "DELETE":
        gone = act.children or tuple(
            item for item, state in states.items() if state.parent == act.parent
        )
        for child in gone:
            state = states[child]
            if state.parent == act.parent and not is_late(act, state):
                outer = states.get(act.parent or "", UNKNOWN)
                states[child] = replace(state, parent=None, holder=outer.holder or state.holder)
