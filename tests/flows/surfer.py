"""A person at a browser without scripts: opens pages, fills in their forms, sends them."""

import html
import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.cooperatives.pages import Form, forms_of


@dataclass
class Surfer:
    """One person, the page before them, and where it came from."""

    client: FlaskClient
    where: str = ""
    page: str = ""

    def open(self, address: str) -> str:
        """Open an address and follow where it leads; the page must be there."""
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == 200, f"{address}: {answer.status_code}\n{said(answer.text)}"
        self.where, self.page = answer.request.full_path.rstrip("?"), answer.text
        return self.page

    def file(self, address: str) -> bytes:
        """Fetch a file."""
        answer = self.client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        content: bytes = answer.data
        return content

    def form(self, part: str) -> Form:
        """Find the form whose address, or one of whose fields, is so named."""
        for form in forms_of(self.page):
            if html.unescape(form.action).split("?")[0].endswith(part) or part in form.names:
                return form
        found = [(form.action, sorted(form.names)) for form in forms_of(self.page)]
        raise AssertionError(f"no form {part!r} at {self.where}; there are {found}")

    def send(self, part: str, **filled: Any) -> str:
        """Fill in a form of the page as given, send it, and read what comes back."""
        form = self.form(part)
        answer = self.post(form.action or self.where, form.values | filled)
        assert answer.status_code in {200, 302, 303}, (
            f"{form.action or self.where}: {answer.status_code}\n{said(answer.text)}"
        )
        if answer.status_code == 200:
            self.page = answer.text
            return self.page
        return self.open(answer.location)

    def post(self, address: str, values: dict[str, Any]) -> TestResponse:
        """Send values as a browser sends a form."""
        return self.client.post(
            html.unescape(address),
            data=values,
            headers={"Referer": f"http://localhost{self.where}"},
        )

    def links(self, pattern: str) -> list[str]:
        """Give the addresses that this page leads to and that look so."""
        found = (html.unescape(one) for one in re.findall(r'href="([^"]+)"', self.page))
        return [one for one in dict.fromkeys(found) if re.search(pattern, one)]


def said(page: str) -> str:
    """Give what a page says, without its markup."""
    bare = re.sub(r"(?s)<(script|style|template)\b.*?</\1>", " ", page)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", bare))).strip()


def why(page: str) -> list[str]:
    """Give the sentences of refusal on a page."""
    marked = re.findall(r'(?s)class="(?:err|note recall[^"]*)".*?</(?:p|div)>', page)
    return [said(each) for each in marked]
