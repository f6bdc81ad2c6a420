"""Reads a page as a browser does: its forms, with what they are filled with."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from typing_extensions import override


@dataclass
class Form:
    """One form of a page."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.select: str | None = None
        self.area: str | None = None
        self.open = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self.open = True
        if not self.open:
            return
        form, name = self.forms[-1], given.get("name", "")
        chosen = "selected" in given or self.select not in form.values
        if tag == "option" and self.select and chosen:
            form.values[self.select] = given.get("value", "")
        if name:
            self._field(form, tag, name, given)

    def _field(self, form: Form, tag: str, name: str, given: dict[str, str]) -> None:
        form.names.add(name)
        kind = given.get("type", "text")
        if tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            form.values[name] = ""
        elif tag == "input" and kind in {"radio", "checkbox"}:
            if "checked" in given:
                form.values[name] = given.get("value", "on")
        elif tag == "input" and kind != "file":
            form.values[name] = given.get("value", "")

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None

    @override
    def handle_data(self, data: str) -> None:
        if self.area and self.open:
            self.forms[-1].values[self.area] += data.lstrip("\r\n")


def forms_of(page: str) -> list[Form]:
    """Give the forms of a page, in order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def form_to(page: str, end: str) -> Form:
    """Give the form whose address ends so."""
    return next(form for form in forms_of(page) if form.action.endswith(end))
