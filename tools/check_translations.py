"""Lists the English sentences of pages, doors and refusals that have no Chinese yet.

Sentences come from three places: `_()` and its kin in templates and doors, and the first argument
of every refusal raised anywhere (doors translate those by `gettext`). A translation counts in
whichever domain under translations/zh it stands. Exits 1 when anything is missing, when a
translation loses or invents a %(parameter)s, or when a sentence stands in two domains with
different Chinese.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

HOUSE = Path(__file__).parents[1]
ROOMS = (
    *("app", "shop", "cooperatives", "counters", "admin", "insight", "trade", "traceability"),
    *("goods", "parties", "foundation"),
)
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(("_", "gettext", "lazy_gettext", "_l")),
    **dict.fromkeys(("ngettext", "lazy_ngettext"), (1, 2)),
}
PARAMETER = re.compile(r"%\((\w+)\)[sd]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence and the place that says it."""

    text: str
    place: str


def sentences(house: Path = HOUSE) -> Iterator[Sentence]:
    """Give every sentence that a reader of Chinese may meet."""
    sources = [*sorted((house / "templates").rglob("*.html"))]
    for room in ROOMS:
        sources += sorted((house / room).rglob("*.py")) + sorted((house / room).rglob("*.html"))
    for source in sources:
        method = "jinja2" if source.suffix == ".html" else "python"
        found = extract_from_file(method, source, keywords=KEYWORDS, options={"silent": "false"})
        for line, message, _comments, _context in found:
            yield Sentence(_first(message), f"{source.relative_to(house)}:{line}")
    yield from refusals(house)


def refusals(house: Path = HOUSE) -> Iterator[Sentence]:
    """Give the sentences of all refusals: calls of `Refused` or of a class that stands on it."""
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for room in ROOMS
        for path in sorted((house / room).rglob("*.py"))
    }
    kinds = _refusal_kinds(trees)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in kinds and node.args:
                said = node.args[0]
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    yield Sentence(said.value, f"{path.relative_to(house)}:{node.lineno}")


def _refusal_kinds(trees: dict[Path, ast.Module]) -> set[str]:
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    kinds = {"Refused"}
    while more := {name for name, of in bases.items() if of & kinds} - kinds:
        kinds |= more
    return kinds


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def chinese(house: Path = HOUSE) -> dict[str, dict[str, str]]:
    """Give domain → Chinese of every translated sentence, by sentence."""
    known: dict[str, dict[str, str]] = defaultdict(dict)
    for source in sorted((house / "translations/zh/LC_MESSAGES").glob("*.po")):
        with source.open("rb") as stream:
            catalogue = read_po(stream, locale="zh", abort_invalid=True)
        for message in catalogue:
            text = _first(message.id)
            said = _first(message.string)
            if text and said and not message.fuzzy:
                known[text][source.stem] = said
    return known


def _first(message: str | Sequence[str] | None) -> str:
    """Give the singular of a message that may have plural forms."""
    if message is None:
        return ""
    return message if isinstance(message, str) else message[0]


def faults(house: Path = HOUSE) -> list[str]:
    """Give what is wrong, one line each, in the order of the files."""
    known = chinese(house)
    wrong, seen = [], set()
    for sentence in sentences(house):
        if sentence.text in seen:
            continue
        seen.add(sentence.text)
        if sentence.text not in known:
            wrong.append(f"{sentence.place}: no Chinese for {sentence.text!r}")
    for text, domains in known.items():
        asked = set(PARAMETER.findall(text))
        for domain, said in domains.items():
            if not set(PARAMETER.findall(said)) <= asked:
                wrong.append(f"{domain}.po: {said!r} uses a parameter that {text!r} does not have")
        if len(set(domains.values())) > 1:
            wrong.append(f"{text!r} is said differently in {', '.join(sorted(domains))}")
    return wrong


if __name__ == "__main__":
    found = faults()
    for line in found:
        print(line)
    print(f"{len(found)} to mend", file=sys.stderr)
    sys.exit(1 if found else 0)
