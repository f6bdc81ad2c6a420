"""What a schema cannot say: whether an event fits the things it names and what is known of them.

Each rule is switched off, to warn or to refuse by a `Policy`. The deciding functions take values
only: an `Act` (the event as the rules read it) and the `ItemState` of each thing it names, as the
events recorded so far left it; `advance` gives the states after one more event.

Clauses: words CBV 2.0 sections 7.1 and 7.2; check digits GS1 General Specifications 7.9;
who may issue which key section 1.2 there; order and custody EPCIS 2.0 section 7.4 with CBV 2.0's
meanings of the business steps; aggregation EPCIS 2.0 section 7.4.3 (a child has one parent).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from traceability.epcis.acts import Act
from traceability.epcis.identity import Identity, check_digit, identify
from traceability.epcis.lives import (
    BEFORE_ALL,
    SALES,
    SHIPS,
    UNKNOWN,
    ItemState,
    States,
    advance,
    holder_of,
    is_inside,
    is_late,
    is_over,
)
from traceability.epcis.sentences import LEDGER
from traceability.epcis.vocabulary import CBV, CBV_URN, short_name


class Answer(StrEnum):
    """What a breach of a rule is answered with."""

    OFF = "off"
    """The rule is not asked."""
    WARN = "warn"
    """The event is recorded, and its sender told."""
    REFUSE = "refuse"
    """The event is not recorded."""


_STRENGTH: Final = (Answer.OFF, Answer.WARN, Answer.REFUSE)


@dataclass(frozen=True, slots=True)
class Policy:
    """How each rule is answered.

    `foreign` is the strongest answer about things that nobody in this network issued or holds,
    whose earlier life may be recorded elsewhere. Check digits and words are asked of all alike.
    """

    vocabulary: Answer = Answer.WARN
    check_digits: Answer = Answer.REFUSE
    owner: Answer = Answer.WARN
    order: Answer = Answer.REFUSE
    history: Answer = Answer.WARN
    custody: Answer = Answer.REFUSE
    aggregation: Answer = Answer.REFUSE
    foreign: Answer = Answer.WARN

    @classmethod
    def read(cls, text: str) -> "Policy":
        """Read `custody=warn,owner=off`; what is not named keeps its default.

        Raises ValueError for a rule or an answer that there is not.
        """
        given: dict[str, Answer] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, mark, answer = (word.strip() for word in part.partition("="))
            if not mark or name not in {rule.name for rule in fields(cls)}:
                raise ValueError(f"{part!r} is no rule and its answer")
            given[name] = Answer(answer)
        return replace(cls(), **given)

    def answer(self, group: str, *, foreign: bool) -> Answer:
        """Give the answer to a breach of a rule of this group."""
        own: Answer = getattr(self, group)
        if not foreign or group in {"vocabulary", "check_digits"}:
            return own
        return min(own, self.foreign, key=_STRENGTH.index)


USUAL: Final = Policy()
"""What holds where an installation says nothing else."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that an event breaks: `path` is the field, `item` the thing's canonical address."""

    rule: str
    answer: Answer
    path: str
    item: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Give the English sentence with its named parameters unfilled, for translating."""
        return LEDGER[self.rule]

    def sentence(self, translated: Callable[[str], str] = str) -> str:
        """Say it, in the language that `translated` turns English into."""
        return translated(self.text) % self.params


Owns = Callable[[Identity], bool | None]
"""Whether the capturing organisation may issue this key: None when nobody here knows the prefix."""


def _nobody_knows(_identity: Identity) -> bool | None:
    return None


def breaches(
    act: Act,
    states: Mapping[str, ItemState],
    policy: Policy = USUAL,
    *,
    owns: Owns = _nobody_knows,
) -> list[Breach]:
    """Give the rules that an event breaks, those switched off left out.

    `states` are those of `act.named` before the event; a thing without one is unknown. An event
    declared an error is asked for words and check digits only: it did not happen.
    """
    found = [*_word_breaches(act), *_key_breaches(act, states, owns)]
    if not act.declared_error:
        found += _order_breaches(act, states)
        found += _custody_breaches(act, states)
        found += _aggregation_breaches(act, states)
    told: list[Breach] = []
    for group, breach in found:
        state = states.get(breach.item or "", UNKNOWN)
        answer = policy.answer(group, foreign=state.foreign and group != "owner")
        if answer is not Answer.OFF:
            told.append(replace(breach, answer=answer))
    return told


_Found = tuple[str, Breach]


def _found(group: str, rule: str, act: Act, item: str, **params: object) -> _Found:
    path = act.paths.get(item, "")
    return group, Breach(rule, Answer.REFUSE, path, item, {"item": item, **params})


def _word_breaches(act: Act) -> Iterator[_Found]:
    for path, word, words in act.words:
        if short_name(word, words) is None:
            own = not word.startswith((CBV, CBV_URN, "cbv:"))
            rule = "word_of_your_own" if own else "word_not_in_cbv"
            yield "vocabulary", Breach(rule, Answer.REFUSE, path, None, {"word": word})


def _key_breaches(act: Act, states: Mapping[str, ItemState], owns: Owns) -> Iterator[_Found]:
    made = set(act.issued)
    packed = act.parent if (act.event_type, act.action) == ("AggregationEvent", "ADD") else None
    if packed is not None and not states.get(packed, UNKNOWN).began:
        made.add(packed)
    for item in act.paths:
        identity = identify(item)
        if identity is None:
            continue
        number = identity.number
        if number and check_digit(number[:-1]) != number[-1]:
            right = number[:-1] + check_digit(number[:-1])
            yield _found("check_digits", "check_digit_wrong", act, item, number=number, right=right)
        elif item in made and owns(identity) is False:
            yield _found("owner", "key_of_another", act, item)


def _order_breaches(act: Act, states: Mapping[str, ItemState]) -> Iterator[_Found]:
    made = set(act.issued)
    for item in dict.fromkeys(act.named):
        state = states.get(item, UNKNOWN)
        if item in made:
            yield from _made_again(act, item, state)
            continue
        if not state.began and act.step in SALES:
            yield _found("order", "never_made", act, item)
        if state.began_at is not None and act.at < state.began_at and act.step not in BEFORE_ALL:
            group = "order" if act.step in SALES else "history"
            yield _found(group, "before_it_was_made", act, item, since=_told(state.began_at))
        if is_over(act, state):
            params = {"step": state.end, "since": _told(state.ended_at)}
            yield _found("history", "after_its_end", act, item, **params)


def _made_again(act: Act, item: str, state: ItemState) -> Iterator[_Found]:
    """Ask of a beginning that it is the first; the same one told again is no second."""
    if state.began_at is None:
        if state.first_at is not None and state.first_at < act.at:
            yield _found(
                "history", "seen_before_it_was_made", act, item, since=_told(state.first_at)
            )
    elif state.end is None and state.began_at != act.at:
        yield _found("history", "made_twice", act, item, since=_told(state.began_at))


def _custody_breaches(act: Act, states: Mapping[str, ItemState]) -> Iterator[_Found]:
    if act.step not in SHIPS or act.action == "DELETE" or act.organisation_id is None:
        return
    moved = act.things if act.event_type != "AggregationEvent" else act.named
    for item in dict.fromkeys(moved):
        state = states.get(item, UNKNOWN)
        holder = holder_of(item, states)
        if holder is None or holder == act.organisation_id or is_late(act, state):
            continue
        yield _found("custody", "not_yours_to_ship", act, item)


def _aggregation_breaches(act: Act, states: Mapping[str, ItemState]) -> Iterator[_Found]:
    if act.event_type != "AggregationEvent" or act.action not in {"ADD", "DELETE"}:
        return
    for item in dict.fromkeys(act.children):
        state = states.get(item, UNKNOWN)
        if item == act.parent or (act.action == "ADD" and is_inside(act.parent, item, states)):
            yield _found("aggregation", "inside_itself", act, item)
        elif is_late(act, state):
            continue
        elif act.action == "ADD" and state.parent not in {None, act.parent}:
            yield _found("aggregation", "in_another_parent", act, item, parent=state.parent)
        elif act.action == "DELETE" and state.began and state.parent != act.parent:
            yield _found("history", "not_in_this_parent", act, item, parent=act.parent)


def _told(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def judged(
    acts: Sequence[Act],
    states: States,
    policy: Policy = USUAL,
    *,
    owns: Owns = _nobody_knows,
) -> list[list[Breach]]:
    """Judge the events of one document in their order, each after those before it.

    Gives the breaches of each. An event that is refused leaves the states as they were.
    """
    found: list[list[Breach]] = []
    for act in acts:
        breached = breaches(act, states, policy, owns=owns)
        found.append(breached)
        if not is_refused(breached):
            advance(act, states)
    return found


def is_refused(breached: Iterable[Breach]) -> bool:
    """Say whether any of these breaches is answered with a refusal."""
    return any(breach.answer is Answer.REFUSE for breach in breached)
