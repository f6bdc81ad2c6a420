"""Refusals as sentences in the reader's language."""

from flask_babel import get_locale, gettext

from foundation.errors import Named, Refused


def sentence(refusal: Refused) -> str:
    """Give a refusal's sentence in the reader's language, filled in."""
    text: str = gettext(refusal.text)
    params = {name: _shown(value) for name, value in refusal.params.items()}
    return text % params if params else text


def _shown(value: object) -> object:
    if isinstance(value, Refused):
        return sentence(value)
    if isinstance(value, Named):
        return value.name_en if language() == "en" else value.name_zh or value.name_en
    return value


def language() -> str:
    """Give the language of this request, "zh" or "en"."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"
