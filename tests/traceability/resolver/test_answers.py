"""The resolver over HTTP: GS1's suite in small, and what the suite does not ask."""

import json
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from foundation import clock
from foundation.db import Database
from goods.stock.models import LogisticUnit
from tests.factories import on_shelf, world
from traceability.resolver.models import ResolverLink

HOST = "http://localhost"
LINKSET = "application/linkset+json"
VOC = "https://ref.gs1.org/voc/"


class Shelf:
    """One lot of jars on a shelf and the addresses of its things."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.transaction() as session:
            w = world(session)
            now = clock.now() - timedelta(days=1)
            lot, serials = on_shelf(w, packs=2, now=now)
            self.gtin, self.lot_no, self.serial = w.sku.gtin, lot.lot_no, serials[0].serial
            self.name = w.product.name_zh
            self.organisation_id = w.supplier.id
            self.sscc = session.query(LogisticUnit.sscc).first()[0]  # type: ignore[index]
        self.item = f"/01/{self.gtin}"
        self.lot = f"{self.item}/10/{self.lot_no}"
        self.unit = f"{self.lot}/21/{self.serial}"

    def link(self, path: str, href: str, **given: Any) -> None:
        """Set a link as an earlier clerk did."""
        now = clock.now()
        row = {
            "path": path,
            "key_ai": path[1:3],
            "key_value": path.split("/")[2],
            "organisation_id": self.organisation_id,
            "link_type": "certificationInfo",
            "href": href,
            "title_zh": "证书",
            "title_en": "Certificate",
            "hreflang": "",
            "media_type": "",
            "role": "plain",
            "active_from": now - timedelta(hours=1),
            "active_until": None,
            "created_at": now,
            "changed_at": now,
        }
        with self.database.transaction() as session:
            session.execute(insert(ResolverLink).values({**row, **given}))


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


def ask(client: FlaskClient, address: str, method: str = "GET", **headers: str) -> TestResponse:
    """Ask as a program does: any media type, unless `Accept` says otherwise."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(address, method=method, headers={"Accept": "*/*", **given})


def links(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code in {200, 300}, answer.status_code
    found: list[dict[str, Any]] = json.loads(answer.data)["linkset"]
    return found


def test_everybody_but_a_reader_of_pages_is_redirected_to_the_default_link(
    shelf: Shelf, client: FlaskClient
) -> None:
    for address in (shelf.item, shelf.lot, shelf.unit, f"/00/{shelf.sscc}"):
        answer = ask(client, f"{address}?foo=bar&17=261231")
        assert answer.status_code == 307
        assert answer.location == f"{HOST}/t{address}?foo=bar&17=261231"
        assert ask(client, address + "/").location == ask(client, address).location
        assert client.head(address, headers={"Accept": "*/*"}).status_code == 307
        page = client.get(answer.location)
        assert page.status_code == 200
        here = client.get(address)
        assert here.status_code == 200
        assert here.headers["Content-Location"] == f"/t{address}"
        assert shelf.name in here.text


def test_every_answer_is_open_to_other_origins_and_says_where_the_links_are(
    shelf: Shelf, client: FlaskClient
) -> None:
    told = f'<{HOST}{shelf.lot}?linkType=linkset>; rel="linkset"; type="{LINKSET}"'
    for method, address, status in (
        ("OPTIONS", shelf.lot, 204),
        ("GET", shelf.lot, 307),
        ("HEAD", shelf.lot, 307),
        ("GET", f"{shelf.lot}?linkType=gs1:nosuchlt", 404),
        ("GET", f"{shelf.lot}?linkType=linkset", 200),
    ):
        answer = ask(client, address, method)
        assert answer.status_code == status, address
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
        assert answer.headers.getlist("Link")[0].startswith(told)
        assert len(answer.headers.getlist("Link")) == 1
    assert client.get(shelf.lot).headers["Link"] == told
    bad = ask(client, f"{shelf.item}/foo")
    assert (bad.status_code, bad.headers["Access-Control-Allow-Origin"]) == (400, "*")


def test_the_linkset_is_of_every_level_with_one_default(shelf: Shelf, client: FlaskClient) -> None:
    for asked in (
        ask(client, f"{shelf.unit}?linkType=linkset"),
        ask(client, f"{shelf.unit}?linkType=all", Accept=LINKSET),
        ask(client, shelf.unit, Accept=LINKSET),
    ):
        assert asked.mimetype == LINKSET
        assert 'rel="http://www.w3.org/ns/json-ld#context"' in asked.headers["Link"]
        contexts = links(asked)
        anchors = [context["anchor"] for context in contexts]
        assert anchors == [HOST + shelf.unit, HOST + shelf.lot, HOST + shelf.item]
        defaults = [
            context[f"{VOC}defaultLink"] for context in contexts if f"{VOC}defaultLink" in context
        ]
        assert defaults == [[{"href": f"{HOST}/t{shelf.unit}", "title": "来路与追溯"}]]
        for context in contexts:
            for name, targets in context.items():
                if not name.startswith("https"):
                    continue
                assert [t for t in targets if not t["href"] or not t["title"]] == []
    english = links(ask(client, f"{shelf.unit}?linkType=linkset", Accept_Language="en"))
    assert english[0][f"{VOC}traceability"][0]["title"] == "Where it comes from"


def test_every_link_of_the_linkset_is_reached_by_its_type(
    shelf: Shelf, client: FlaskClient
) -> None:
    shelf.link(shelf.item, "https://papers.example.org/1.pdf", media_type="application/pdf")
    seen: set[str] = set()
    for context in links(ask(client, f"{shelf.unit}?linkType=linkset")):
        for name in {key for key in context if key.startswith(VOC)} - seen:
            seen.add(name)
            kind = name.removeprefix(VOC)
            for asked in (f"gs1:{kind}", name, f"https://gs1.org/voc/{kind}"):
                answer = ask(client, f"{shelf.unit}?linkType={asked}")
                target, _mark, _query = str(answer.location).partition("linkType=")
                assert (answer.status_code, target[:-1]) == (307, context[name][0]["href"])
    assert {name.removeprefix(VOC) for name in seen} == {
        *("defaultLink", "traceability", "pip", "epcis", "recallStatus", "certificationInfo"),
    }
    records = client.get(f"/t{shelf.unit}?format=json")
    assert records.json["type"] == "EPCISDocument"  # type: ignore[index]


def test_a_tie_is_offered_as_a_choice_and_languages_decide_it(
    shelf: Shelf, client: FlaskClient
) -> None:
    for number in (1, 2):
        shelf.link(shelf.lot, f"https://papers.example.org/{number}", hreflang="zh")
    shelf.link(shelf.lot, "https://papers.example.org/3", hreflang="en")
    asked = f"{shelf.unit}?linkType=gs1:certificationInfo"
    choice = ask(client, asked)
    assert choice.status_code == 300
    [context] = links(choice)
    assert context["anchor"] == HOST + shelf.lot
    assert [t["href"][-1] for t in context[f"{VOC}certificationInfo"]] == ["1", "2", "3"]
    english = ask(client, asked, Accept_Language="en-GB,zh;q=0.2")
    assert str(english.location).startswith("https://papers.example.org/3?")
    page = client.get(asked)
    assert page.status_code == 300
    assert "https://papers.example.org/1" in page.text


def test_somebodys_default_goes_before_our_page_for_that_very_thing_only(
    shelf: Shelf, client: FlaskClient
) -> None:
    shelf.link(shelf.item, "https://honey.example.org/", link_type="pip", role="default")
    assert client.get(shelf.item).location == "https://honey.example.org/"
    assert ask(client, shelf.item).location == "https://honey.example.org/"
    assert client.get(shelf.unit).status_code == 200
    assert ask(client, shelf.unit).location == f"{HOST}/t{shelf.unit}"
    told = links(ask(client, f"{shelf.item}?linkType=linkset"))
    assert told[0][f"{VOC}defaultLink"] == [{"href": "https://honey.example.org/", "title": "证书"}]
    assert told[0][f"{VOC}pip"][0]["href"] == "https://honey.example.org/"


def test_variants_of_the_default_are_chosen_by_language(shelf: Shelf, client: FlaskClient) -> None:
    shelf.link(shelf.item, "https://honey.example.org/", link_type="pip", role="default")
    for tag in ("zh", "en"):
        href = f"https://honey.example.org/{tag}"
        shelf.link(shelf.item, href, link_type="pip", role="variant", hreflang=tag)
    assert ask(client, shelf.item).location == "https://honey.example.org/"
    assert ask(client, shelf.item, Accept_Language="fr").location == "https://honey.example.org/"
    english = ask(client, shelf.item, Accept_Language="en,zh;q=0.5")
    assert english.location == "https://honey.example.org/en"
    told = links(ask(client, f"{shelf.item}?linkType=linkset"))[0]
    assert len(told[f"{VOC}defaultLinkMulti"]) == 2


def test_links_of_yesterday_and_tomorrow_and_retired_ones_do_not_stand(
    shelf: Shelf, client: FlaskClient
) -> None:
    now = clock.now()
    shelf.link(shelf.item, "https://a.example.org/", active_until=now - timedelta(minutes=1))
    shelf.link(shelf.item, "https://b.example.org/", active_from=now + timedelta(days=1))
    shelf.link(shelf.item, "https://c.example.org/", retired_at=now)
    assert ask(client, f"{shelf.item}?linkType=gs1:certificationInfo").status_code == 404


def test_a_key_that_is_not_ours_resolves_by_links_alone(shelf: Shelf, client: FlaskClient) -> None:
    place = "/414/9520123456788"
    assert ask(client, place).status_code == 404
    assert client.get(place).status_code == 404
    assert ask(client, "/414/9520123456789").status_code == 400
    shelf.link(
        place, "https://farm.example.org/", link_type="locationInfo", role="default", key_ai="414"
    )
    for address in (place, f"{place}/254/C12"):
        assert ask(client, address).location == "https://farm.example.org/"
        assert client.get(address).location == "https://farm.example.org/"
    foreign = "/01/09506000134352"
    assert client.get(foreign).status_code == 404
    shelf.link(foreign, "https://maker.example.org/", link_type="pip", role="default")
    assert client.get(f"{foreign}/10/A").location == "https://maker.example.org/"
    for path in ("/8018/952012345678912345", "/253/9526064000028", "/8004/9520123ABC"):
        assert ask(client, path).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/21/S1/10/L1", 400),
        ("/17/261231", 400),
        ("/99/ABC", 400),
        ("/10/", 400),
        ("/10//21/1", 400),
        ("?10=ABC", 400),
        ("?17=269931", 400),
        ("?999=1", 400),
        ("?utm=中文&x=%7C", 307),
        ("/10/A%2FB", 307),
        ("/22/2A/10/A/21/1", 307),
        ("/235/TPX", 404),
        ("/10/NOBODYS", 307),
    ],
)
def test_what_is_no_digital_link_is_400_and_what_nobody_knows_walks_up(
    shelf: Shelf, client: FlaskClient, path: str, status: int
) -> None:
    answer = ask(client, shelf.item + path)
    assert answer.status_code == status
    if status == 307 and "%2F" in path:
        assert answer.location == f"{HOST}/t{shelf.item}{path}"


def test_an_epc_binary_string_is_resolved_as_what_it_says(
    shelf: Shelf, client: FlaskClient
) -> None:
    digits = "".join(f"{int(digit):04b}" for digit in shelf.gtin)
    text = "100" + f"{len(shelf.serial):05b}" + "".join(f"{ord(c):07b}" for c in shelf.serial)
    whole = "11110111" + "0011" + digits + text
    whole += "0" * (-len(whole) % 16)
    address = f"/eh{int(whole, 2):0{len(whole) // 4}x}"
    uri = f"{shelf.item}/21/{shelf.serial}"
    answer = ask(client, address)
    assert (answer.status_code, answer.location) == (307, f"{HOST}/t{uri}")
    assert f'<{HOST}{uri}>; rel="owl:sameAs"' in answer.headers["Link"]
    assert links(ask(client, f"{address}?linkType=linkset"))[0]["anchor"] == HOST + uri
    assert client.get(address).status_code == 200
    assert ask(client, "/eh3500e86f8000a9e000000586").status_code == 404
    assert ask(client, "/eh30164596f40c0e5cbe991a").status_code == 400
    assert ask(client, "/extras").status_code == 404


def test_the_resolver_describes_itself(client: FlaskClient) -> None:
    answer = ask(client, "/.well-known/gs1resolver")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.get_json()
    assert told["resolverRoot"] == HOST
    assert told["supportedPrimaryKeys"] == ["all"]
    context = ask(client, told["jsonLdContextLocation"])
    assert context.mimetype == "application/ld+json"
    assert context.get_json()["@context"]["anchor"] == "@id"
    assert ask(client, "/.well-known/gs1resolver", "OPTIONS").status_code == 204


def test_people_and_machines_get_the_list_in_their_own_form(
    shelf: Shelf, client: FlaskClient
) -> None:
    page = client.get(f"{shelf.unit}?linkType=linkset")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert f"/t{shelf.unit}" in page.text
    assert "application/ld+json" in page.text
    linked = ask(client, f"{shelf.unit}?linkType=linkset", Accept="application/ld+json")
    assert linked.mimetype == "application/ld+json"
    assert "@context" in linked.get_json()
    plain = ask(client, f"{shelf.unit}?linkType=linkset", Accept="application/json")
    assert plain.mimetype == "application/json"


def test_linksets_keep_to_a_strict_reading_of_rfc_9264(shelf: Shelf, client: FlaskClient) -> None:
    target = {
        "type": "object",
        "required": ["href", "title"],
        "additionalProperties": False,
        "properties": {
            "href": {"type": "string", "pattern": "^https?://"},
            "title": {"type": "string", "minLength": 1},
            "type": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
            "hreflang": {
                "type": "array",
                "minItems": 1,
                "items": {"pattern": "^[a-z]{2}(-[A-Z]{2})?$"},
            },
        },
    }
    schema = {
        "type": "object",
        "required": ["linkset"],
        "additionalProperties": False,
        "properties": {
            "linkset": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["anchor", "itemDescription"],
                    "additionalProperties": False,
                    "properties": {
                        "anchor": {"type": "string", "pattern": "^https?://[^?#]*$"},
                        "itemDescription": {"type": "string", "minLength": 1},
                    },
                    "patternProperties": {
                        "^https://": {"type": "array", "minItems": 1, "items": target}
                    },
                },
            }
        },
    }
    shelf.link(shelf.lot, "https://papers.example.org/1", hreflang="zh,en", media_type="text/html")
    for address in (shelf.item, shelf.lot, shelf.unit, f"/00/{shelf.sscc}"):
        document = ask(client, f"{address}?linkType=linkset").get_json(force=True)
        assert jsonschema_rs.is_valid(schema, document), address
