"""An independent client, PyPI's `openepcis-client`, works unchanged; so do the docs' examples."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from openepcis_client.core.client import Client
from openepcis_client.core.config import ClientConfig
from openepcis_client.core.errors import OpenEpcisError
from openepcis_client.events.document import document, instance_uri, object_event
from openepcis_client.events.service import Capture, Query
from werkzeug.serving import make_server

from tests.traceability.partners.conftest import Partner

DOCS = Path(__file__).parents[3] / "docs" / "traceability.md"


class Token:
    """A token that is at hand."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def bearer(self) -> str:
        """Give it."""
        return self.secret

    def invalidate(self) -> None:
        """Keep it: there is no other."""


@pytest.fixture
def address(web: Flask, partner: Partner) -> Iterator[str]:
    """The interface behind a real socket."""
    assert partner.token
    served = make_server("127.0.0.1", 0, web)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}/epcis"
    served.shutdown()
    thread.join()
    served.server_close()


def test_openepcis_client_captures_asks_and_is_told_what_went_wrong(
    address: str, partner: Partner
) -> None:
    client = Client(ClientConfig(address), Token(partner.token))
    capture, query = Capture(client), Query(client)
    assert (capture.check(), query.check()) == ("", "")
    jar = instance_uri("06901234567892", serial="A1")
    event = object_event(
        epcs=[jar],
        action="OBSERVE",
        biz_step="shipping",
        disposition="in_transit",
        event_time=datetime(2026, 11, 20, 2, 0, tzinfo=UTC),
        event_identifier="urn:uuid:1f4a4f4e-0000-4000-8000-0000000000ee",
    )
    sent = document([event])
    receipt = capture.submit(sent)
    assert receipt.answerable
    outcome = capture.outcome(receipt)
    assert (outcome.running, outcome.success, outcome.known, outcome.errors) == (
        False,
        True,
        True,
        (),
    )
    assert [found["eventID"] for found in query.for_epc(jar)] == [event["eventID"]]
    since = list(query.since("2026-01-01T00:00:00+00:00"))
    assert event["eventID"] in {found["eventID"] for found in since}
    changed = document([{**event, "disposition": "damaged"}])
    again = capture.outcome(capture.submit(changed))
    assert (again.success, len(again.errors)) == (False, 1)
    assert not capture.outcome("00000000-0000-4000-8000-000000000000").known
    with pytest.raises(OpenEpcisError) as refused:
        capture.submit({**sent, "epcisBody": {"eventList": [{"type": "ObjectEvent"}]}})
    assert refused.value.status == 400
    stranger = Client(ClientConfig(address), Token("unknown"))
    assert "credential" in Query(stranger).check()


def examples(language: str) -> list[str]:
    """The examples of one language in the partners' part of the docs."""
    text = DOCS.read_text(encoding="utf-8")
    part = text[text.index("## How a partner connects") :]
    part = part[: part.index("\n## ", 5)] if "\n## " in part[5:] else part
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


@pytest.mark.parametrize("language", ["python", "bash"])
def test_the_examples_of_the_docs_run_as_they_stand(
    address: str, partner: Partner, tmp_path: Path, language: str
) -> None:
    (example,) = examples(language)
    script = tmp_path / "example"
    script.write_text(example, encoding="utf-8")
    program = [sys.executable] if language == "python" else ["bash", "-eu", "-o", "pipefail"]
    env = {**os.environ, "EPCIS": address, "TOKEN": partner.token}
    done = subprocess.run(  # the docs' own words, on this machine
        [*program, str(script)], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "retail_selling" in done.stdout
