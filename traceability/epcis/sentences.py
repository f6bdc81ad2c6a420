"""What is told about a document or an event that can't be taken, one sentence a rule.

The sentences are English and name their parameters; their Chinese stands in the domain `trace`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


def _(text: str) -> str:
    """Mark a sentence for the translators; doors translate it when it is shown."""
    return text


FORM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not_an_object": _("This must be a JSON object."),
        "not_json": _("This holds text or numbers that JSON cannot carry."),
        "too_deep": _("This is nested too deeply. At most %(most)s levels are read."),
        "missing_field": _("The field %(field)s is missing."),
        "unknown_field": _(
            "There is no field %(field)s here. "
            "A field of your own needs a prefix, as in my:%(field)s."
        ),
        "wrong_type": _("This must be of the JSON type %(expected)s."),
        "not_allowed": _("%(value)s is none of: %(allowed)s."),
        "not_in_vocabulary": _(
            "%(value)s is no word of the Core Business Vocabulary in its short form, "
            "and no address of a word of your own."
        ),
        "not_a_uri": _("%(value)s is no URI."),
        "not_a_time": _(
            "%(value)s is no time with an offset, such as 2026-11-23T08:00:00.000+08:00."
        ),
        "not_an_offset": _("%(value)s is no time zone offset, such as +08:00."),
        "not_a_unit": _(
            "%(value)s is no unit code of UN/ECE Recommendation 20, such as KGM or MLT."
        ),
        "not_hex": _("%(value)s must be hexadecimal digits."),
        "not_a_version": _("%(value)s is no version, such as 2.0."),
        "bad_context": _("The @context must be addresses or objects, each once."),
        "empty_list": _("This list must hold at least one element."),
        "empty_object": _("This must hold at least one field."),
        "twice_in_list": _("Something stands twice in this list."),
        "names_nothing": _("The event says of no goods that it is about them."),
        "names_no_child": _("The event names no children. Only a DELETE may, for all of them."),
        "transforms_nothing": _(
            "A transformation needs something put in and something made, "
            "or a transformation ID and one of them."
        ),
        "ilmd_without_add": _("Master data of a lot or item stand only in an event that adds it."),
    }
)
"""Rules of a document's form."""

LEDGER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "word_of_your_own": _(
            "%(word)s is a word of your own. Others will not know what it means."
        ),
        "word_not_in_cbv": _("%(word)s is no word of the Core Business Vocabulary 2.0."),
        "check_digit_wrong": _(
            "The check digit of %(number)s is wrong. With the right one it is %(right)s."
        ),
        "key_of_another": _("%(item)s begins with the company prefix of another organisation."),
        "made_twice": _("%(item)s came into being before, on %(since)s."),
        "never_made": _("Nobody has recorded that %(item)s came into being."),
        "before_it_was_made": _("%(item)s came into being later, on %(since)s."),
        "seen_before_it_was_made": _("%(item)s was seen before, on %(since)s."),
        "after_its_end": _("%(item)s was ended by %(step)s on %(since)s."),
        "not_yours_to_ship": _(
            "%(item)s is held by another organisation, so only they can ship it."
        ),
        "inside_itself": _("%(item)s cannot be packed into something that is inside it."),
        "in_another_parent": _("%(item)s is still packed in %(parent)s. Take it out first."),
        "not_in_this_parent": _("%(item)s is not packed in %(parent)s."),
    }
)
"""Rules of the ledger."""
