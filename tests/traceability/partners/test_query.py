"""The query language: every kind of parameter, ordering, limits, pages, forms of identifiers."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from foundation import clock
from tests.traceability.partners.conftest import Partner, observed
from traceability.epcis.event_hash import event_hash

ITEM = "urn:epc:id:sgtin:4012345.011111.987"
LINK = "https://id.gs1.org/01/04012345111118/21/987"
OTHER = "urn:epc:id:sgtin:4012345.011111.988"
CASE = "urn:epc:id:sscc:4012345.1234567890"
RICH: dict[str, Any] = observed(
    ITEM,
    action="ADD",
    eventID="urn:uuid:1f4a4f4e-0000-4000-8000-0000000000aa",
    bizStep="commissioning",
    disposition="active",
    readPoint={"id": "urn:epc:id:sgln:4012345.00005.122", "example:dock": 4},
    bizLocation={"id": "urn:epc:id:sgln:4012345.00005.0"},
    bizTransactionList=[{"type": "po", "bizTransaction": "http://acme.example/po/12"}],
    sourceList=[{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
    destinationList=[{"type": "location", "destination": "urn:epc:id:sgln:4012345.00225.0"}],
    quantityList=[
        {"epcClass": "urn:epc:class:lgtin:4012345.012345.998877", "quantity": 200, "uom": "KGM"}
    ],
    persistentDisposition={"set": ["completeness_verified"], "unset": ["completeness_inferred"]},
    ilmd={
        "example:farm": "Nr 5",
        "example:bestBefore": "2027-01-01T00:00:00Z",
        "example:box": {"example:depth": 3},
    },
    sensorElementList=[
        {
            "sensorMetadata": {
                "time": "2026-11-19T01:00:00Z",
                "deviceID": "urn:epc:id:giai:4000001.111",
            },
            "sensorReport": [
                {"type": "Temperature", "value": 26, "uom": "CEL", "example:probe": "left"},
                {"type": "RelativeHumidity", "minValue": 12.1, "maxValue": 12.4, "uom": "A93"},
                {"type": "Illuminance", "stringValue": "bright"},
            ],
            "example:rack": "R1",
        }
    ],
    **{
        "example:weight": 3.5,
        "example:note": "by hand",
        "example:when": "2026-11-01T00:00:00+08:00",
        "example:parts": [{"example:name": "lid"}, {"example:name": "jar"}],
        "example:fragile": True,
    },
)
PACKED: dict[str, Any] = {
    "type": "AggregationEvent",
    "action": "ADD",
    "eventTime": "2026-11-19T12:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "eventID": "urn:uuid:1f4a4f4e-0000-4000-8000-0000000000bb",
    "parentID": CASE,
    "childEPCs": [ITEM],
    "bizStep": "https://example.org/steps/polishing",
    "disposition": "in_progress",
}
MADE: dict[str, Any] = {
    "type": "TransformationEvent",
    "eventTime": "2026-11-18T12:00:00+08:00",
    "eventTimeZoneOffset": "+08:00",
    "eventID": "urn:uuid:1f4a4f4e-0000-4000-8000-0000000000cc",
    "transformationID": "urn:example:making:1",
    "inputEPCList": ["urn:epc:id:sgtin:4012345.022222.1"],
    "inputQuantityList": [
        {"epcClass": "https://example.com/01/04012345123456/10/RAW", "quantity": 2}
    ],
    "outputEPCList": [OTHER],
    "outputQuantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.044444.*", "quantity": 3}],
    "example:note": "later",
}
WRONG: dict[str, Any] = {
    **PACKED,
    "errorDeclaration": {
        "declarationTime": "2026-11-20T00:00:00+08:00",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:1f4a4f4e-0000-4000-8000-0000000000cc"],
        "example:who": "night shift",
    },
}
NAMES = {"R": RICH, "P": PACKED, "M": MADE, "E": WRONG}


@pytest.fixture
def stocked(partner: Partner) -> Partner:
    """A partner who has captured one event of each kind."""
    job = partner.capture(RICH, PACKED, MADE)
    assert job["success"], job["errors"]
    assert partner.capture(WRONG)["success"]
    return partner


def told(partner: Partner, question: str) -> str:
    """Which of the four events an answer holds, by their letters."""
    found = partner.events(f"/events?{question}")
    letters = []
    for event in found:
        for name, sent in NAMES.items():
            same = event["eventID"] == sent["eventID"]
            if same and ("errorDeclaration" in event) == ("errorDeclaration" in sent):
                letters.append(name)
    return "".join(sorted(letters))


QUESTIONS = [
    ("", "EMPR"),
    ("eventType=ObjectEvent|TransformationEvent", "MR"),
    ("EQ_action=ADD", "EPR"),
    ("EQ_bizStep=commissioning", "R"),
    ("EQ_bizStep=https%3A%2F%2Fref.gs1.org%2Fcbv%2FBizStep-commissioning", "R"),
    ("EQ_bizStep=https%3A%2F%2Fexample.org%2Fsteps%2Fpolishing", "EP"),
    ("EQ_disposition=active|in_progress", "EPR"),
    ("GE_eventTime=2026-11-19T02:00:00Z&LT_eventTime=2026-11-19T03:00:00Z", "R"),
    ("GE_recordTime=2020-01-01T00:00:00Z", "EMPR"),
    ("LT_recordTime=2020-01-01T00:00:00Z", ""),
    (f"MATCH_epc={ITEM}", "EPR"),
    (f"MATCH_epc={quote(LINK, safe='')}", "EPR"),
    (f"MATCH_epc={quote('https://shop.example/x/01/04012345111118/10/L/21/987', safe='')}", "EPR"),
    ("MATCH_epc=urn:epc:idpat:sgtin:4012345.011111.*", "EPR"),
    ("MATCH_epc=urn:epc:idpat:sgtin:4012345.*.*", "EPR"),
    ("MATCH_epc=urn:epc:idpat:sgtin:4012346.*.*", ""),
    (f"MATCH_parentID={CASE}", "EP"),
    ("MATCH_inputEPC=urn:epc:id:sgtin:4012345.022222.1", "M"),
    (f"MATCH_outputEPC={OTHER}", "M"),
    (f"MATCH_anyEPC={ITEM}", "EPR"),
    (f"MATCH_anyEPC={CASE}", "EP"),
    ("MATCH_epcClass=urn:epc:class:lgtin:4012345.012345.998877", "R"),
    (f"MATCH_inputEPCClass={quote('https://id.gs1.org/01/04012345123456/10/RAW', safe='')}", "M"),
    ("MATCH_outputEPCClass=urn:epc:idpat:sgtin:4012345.044444.*", "M"),
    ("MATCH_anyEPCClass=urn:epc:class:lgtin:4012345.012345.998877", "R"),
    ("EQ_quantity=200", "R"),
    ("GT_quantity=2&LE_quantity=3", "M"),
    ("GE_quantity_GRM=200000", "R"),
    ("LT_quantity_KGM=200", ""),
    ("EQ_readPoint=urn:epc:id:sgln:4012345.00005.122", "R"),
    ("EQ_readPoint=urn:epc:id:sgln:4012345.00005.0", ""),
    ("WD_readPoint=urn:epc:id:sgln:4012345.00005.0", "R"),
    ("EQ_bizLocation=urn:epc:id:sgln:4012345.00005.0", "R"),
    (f"EQ_bizLocation={quote('https://id.gs1.org/414/4012345000054', safe='')}", "R"),
    ("EQ_readPoint_example:dock=4", "R"),
    ("EQ_transformationID=urn:example:making:1", "M"),
    (f"EQ_bizTransaction_po={quote('http://acme.example/po/12', safe='')}", "R"),
    ("EQ_source_owning_party=urn:epc:id:pgln:4012345.00225", "R"),
    ("EQ_destination_location=urn:epc:id:sgln:4012345.00225.0", "R"),
    ("EQ_persistentDisposition_set=completeness_verified", "R"),
    ("EQ_persistentDisposition_unset=completeness_inferred", "R"),
    ("EXISTS_ILMD_example:farm=true", "R"),
    ("EQ_ILMD_example:farm=Nr%205", "R"),
    ("GT_ILMD_example:bestBefore=2026-12-31T00:00:00Z", "R"),
    ("LT_ILMD_example:bestBefore=2026-12-31T00:00:00Z", ""),
    ("EQ_INNER_ILMD_example:depth=3", "R"),
    ("EQ_ILMD_example:depth=3", ""),
    ("EXISTS_INNER_ILMD_example:depth", "R"),
    ("EQ_example:note=by%20hand", "R"),
    ("EQ_example:note=by%20hand|later", "MR"),
    (f"EQ_{quote('http://ns.example.com/epcis/note', safe='')}=later", "M"),
    ("EXISTS_example:note=true", "MR"),
    ("GE_example:weight=3.5", "R"),
    ("GT_example:weight=3.5", ""),
    ("LT_example:when=2026-11-02T00:00:00Z", "R"),
    ("EQ_example:fragile=true", "R"),
    ("EQ_INNER_example:name=lid", "R"),
    ("EXISTS_INNER_example:name", "R"),
    ("EXISTS_sensorElementList", "R"),
    ("EQ_type=Temperature", "R"),
    ("EQ_deviceID=urn:epc:id:giai:4000001.111", "R"),
    ("EQ_value_CEL=26", "R"),
    ("GE_value_FAH=78&LT_value_KEL=300", "R"),
    ("GT_value_CEL=26", ""),
    ("LE_maxValue_A93=12.4", "R"),
    ("EQ_stringValue=bright", "R"),
    ("GE_time=2026-11-19T00:00:00Z", "R"),
    ("EQ_SENSORREPORT_example:probe=left", "R"),
    ("EXISTS_SENSORELEMENT_example:rack", "R"),
    ("EQ_eventID=urn:uuid:1f4a4f4e-0000-4000-8000-0000000000bb", "EP"),
    ("EXISTS_errorDeclaration=true", "E"),
    ("EXISTS_errorDeclaration=false", "EMPR"),
    ("GE_errorDeclarationTime=2026-11-19T16:00:00Z", "E"),
    ("LT_errorDeclaration_Time=2026-11-19T16:00:00Z", ""),
    ("EQ_errorReason=incorrect_data", "E"),
    ("EQ_correctiveEventID=urn:uuid:1f4a4f4e-0000-4000-8000-0000000000cc", "E"),
    ("EQ_ERROR_DECLARATION_example:who=night%20shift", "E"),
    ("EQ_bizStep=commissioning&EQ_action=OBSERVE", ""),
]


def test_every_kind_of_parameter_finds_what_it_asks_for_and_nothing_else(stocked: Partner) -> None:
    wrong = [
        (question, told(stocked, question), wanted)
        for question, wanted in QUESTIONS
        if told(stocked, question) != wanted
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("question", "status", "kind"),
    [
        ("EQ_nothing=1", 400, "QueryParameterException"),
        ("EQ_action=MOVE", 400, "QueryParameterException"),
        ("GE_eventTime=yesterday", 400, "QueryParameterException"),
        ("GE_eventTime=2026-11-19T10:00:00", 400, "QueryParameterException"),
        ("GE_quantity=many", 400, "QueryParameterException"),
        ("GE_quantity=nan", 400, "QueryParameterException"),
        ("GT_example:weight=heavy", 400, "QueryParameterException"),
        ("MATCH_epc=urn:epc:idpat:sgtin:*.1.*", 400, "QueryParameterException"),
        ("EXISTS_errorDeclaration=maybe", 400, "QueryParameterException"),
        ("orderBy=bizStep", 400, "QueryParameterException"),
        ("orderDirection=UP&orderBy=eventTime", 400, "QueryParameterException"),
        ("eventCountLimit=0", 400, "QueryParameterException"),
        ("eventCountLimit=1&maxEventCount=1", 400, "QueryParameterException"),
        ("maxEventCount=3", 413, "QueryTooLargeException"),
        ("perPage=0", 400, "QueryParameterException"),
        ("nextPageToken=forged", 400, "QueryParameterException"),
        ("EQ_bizStep=" + "x" * 9000, 414, "URITooLongException"),
    ],
)
def test_what_is_asked_wrongly_is_refused_by_name(
    stocked: Partner, question: str, status: int, kind: str
) -> None:
    answer = stocked.ask(f"/events?{question}")
    assert (answer.status_code, answer.json["type"]) == (status, f"epcisException:{kind}")
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status


def test_answers_are_ordered_limited_and_cut_into_pages(stocked: Partner) -> None:
    def times(question: str) -> list[str]:
        return [event["eventTime"] for event in stocked.events(f"/events?{question}")]

    up = times("orderBy=eventTime&orderDirection=ASC")
    assert up == sorted(up)
    assert times("orderBy=eventTime") == up[::-1]
    assert times("orderBy=eventTime&orderDirection=ASC&eventCountLimit=1") == up[:1]
    weights = stocked.events("/events?orderBy=example:weight&orderDirection=ASC")
    assert weights[0]["eventID"] == RICH["eventID"]
    for order in (
        "orderBy=eventTime",
        "orderBy=recordTime&orderDirection=ASC",
        "",
        "orderBy=example:note",
        "orderBy=eventTime&eventCountLimit=3",
    ):
        whole = [
            e["eventID"] + str("errorDeclaration" in e) for e in stocked.events(f"/events?{order}")
        ]
        paged, address = [], f"/events?{order}&perPage=1"
        while True:
            answer = stocked.ask(address)
            found = answer.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            paged += [e["eventID"] + str("errorDeclaration" in e) for e in found]
            link = answer.headers.get("Link")
            if link is None:
                break
            assert "GS1-Next-Page-Token-Expires" in answer.headers
            address = re.fullmatch(r'<http://localhost/epcis([^>]+)>; rel="next"', link)[1]  # type: ignore[index]
        assert sorted(paged) == sorted(whole), order
        assert len(set(paged)) == len(paged)


def test_a_page_token_is_for_one_question_of_one_party(stocked: Partner, stranger: Partner) -> None:
    link = stocked.ask("/events?EQ_action=ADD&perPage=1").headers["Link"]
    token = re.search(r"nextPageToken=([^>&]+)", link)[1]  # type: ignore[index]
    assert len(stocked.events(f"/events?perPage=1&nextPageToken={token}")) == 1
    assert stocked.ask(f"/events?EQ_action=DELETE&nextPageToken={token}").status_code == 400
    assert stocked.ask(f"/bizSteps?nextPageToken={token}").status_code == 400
    assert stranger.ask(f"/events?nextPageToken={token}").status_code == 400
    assert stocked.ask(f"/nextPageToken/{token}", "DELETE").status_code == 501


def test_identifiers_are_told_in_the_form_that_is_asked_for(stocked: Partner) -> None:
    def epc(form: str | None) -> str:
        headers = {"GS1-EPC-Format": form} if form else {}
        answer = stocked.ask(f"/events/{RICH['eventID']}", headers=headers)
        assert answer.headers["GS1-EPC-Format"] == form or form is None
        (event,) = answer.json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert event_hash(event, answer.json["@context"]) == event_hash(
            RICH, answer.json["@context"]
        )
        found: str = event["epcList"][0]
        return found

    assert epc(None) == epc("Always_GS1_Digital_Link") == LINK
    assert epc("Always_EPC_URN") == epc("Never_Translates") == ITEM
    assert epc("No_Preference") in {LINK, ITEM}
    assert stocked.ask("/events", headers={"GS1-EPC-Format": "Braille"}).status_code == 406


def test_prefixes_mean_what_the_request_says_they_mean(stocked: Partner) -> None:
    mine = {"GS1-Extensions": "mine=http://ns.example.com/epcis/,example=http://other.example/"}
    found = stocked.ask("/events?EQ_mine:note=later", headers=mine).json
    assert len(found["epcisBody"]["queryResults"]["resultsBody"]["eventList"]) == 1
    none = stocked.ask("/events?EQ_example:note=later", headers=mine).json
    assert none["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


def test_master_data_gives_places_descendants_and_attributes(partner: Partner) -> None:
    site, dock = "https://example.org/site/1", "https://example.org/site/1/dock"
    body = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T10:00:00+08:00",
        "epcisHeader": {
            "epcisMasterData": {
                "vocabularyList": [
                    {
                        "type": "urn:epcglobal:epcis:vtype:ReadPoint",
                        "vocabularyElementList": [
                            {"id": site, "children": [dock]},
                            {
                                "id": dock,
                                "attributes": [{"id": "cbvmda:city", "attribute": "Jincheng"}],
                            },
                        ],
                    }
                ]
            }
        },
        "epcisBody": {"eventList": [observed(readPoint={"id": dock})]},
    }
    answer = partner.ask("/capture", "POST", json=body)
    assert answer.status_code == 202, answer.text
    for question, many in (
        (f"EQ_readPoint={quote(site, safe='')}", 0),
        (f"WD_readPoint={quote(site, safe='')}", 1),
        ("HASATTR_readPoint=cbvmda:city", 1),
        ("HASATTR_readPoint=cbvmda:postalCode", 0),
        ("EQATTR_readPoint_cbvmda:city=Jincheng", 1),
        ("EQATTR_readPoint_cbvmda:city=Elsewhere", 0),
    ):
        assert len(partner.events(f"/events?{question}")) == many, question


def test_top_level_resources_name_what_there_is(stocked: Partner) -> None:
    root = stocked.ask("/").json
    assert (root["type"], len(root["member"])) == ("Collection", 9)
    for name, member in (
        ("eventTypes", "AssociationEvent"),
        ("epcs", LINK),
        ("bizSteps", "https://example.org/steps/polishing"),
        ("bizLocations", "https://id.gs1.org/414/4012345000054"),
        ("readPoints", "https://id.gs1.org/414/4012345000054/254/122"),
        ("dispositions", "in_transit"),
    ):
        listed, address = [], f"/{name}?perPage=7"
        while True:
            answer = stocked.ask(address)
            assert answer.json["type"] == "Collection"
            listed += answer.json["member"]
            if "Link" not in answer.headers:
                break
            address = (
                answer.headers["Link"][1:].partition(">")[0].removeprefix("http://localhost/epcis")
            )
        assert member in listed, name
        assert len(set(listed)) == len(listed)
        value = quote(member, safe="")
        if member in {"AssociationEvent", "in_transit"}:
            assert stocked.events(f"/{name}/{value}/events") == []
        else:
            assert stocked.ask(f"/{name}/{value}").json["member"] == ["events"]
            assert stocked.events(f"/{name}/{value}/events")
        assert (
            stocked.ask(f"/{name}/{quote('https://nowhere.example/x', safe='')}").status_code == 404
        )


def test_what_is_spoken_is_said_and_what_is_not_is_refused(partner: Partner) -> None:
    for address in ("/", "/events", "/capture", "/queries", "/epcs/x/events", "/queries/q/events"):
        answer = partner.client.open(f"/epcis{address}", method="OPTIONS")
        assert answer.status_code == 204, address
        assert "GET" in answer.headers["Allow"]
        for name in (
            "GS1-EPCIS-Version",
            "GS1-EPCIS-Min",
            "GS1-EPCIS-Max",
            "GS1-CBV-Version",
            "GS1-CBV-Min",
            "GS1-CBV-Max",
            "GS1-Vendor-Version",
            "GS1-EPC-Format",
        ):
            assert answer.headers[name], name
    limits = partner.client.open("/epcis/capture", method="OPTIONS").headers
    assert limits["GS1-Capture-Error-Behaviour"] == "all"
    assert int(limits["GS1-EPCIS-Capture-Limit"]) > 0
    for name, value, status in (
        ("GS1-EPCIS-Min", "2.1", 406),
        ("GS1-EPCIS-Max", "1.2.0", 406),
        ("GS1-EPCIS-Version", "1.2", 406),
        ("GS1-CBV-Version", "2.0.0", 200),
        ("GS1-EPCIS-Min", "nonsense", 406),
        ("Accept", "application/xml", 406),
        ("Accept", "application/ld+json", 200),
        ("Accept", "*/*", 200),
    ):
        answer = partner.ask("/events", headers={name: value})
        assert answer.status_code == status, (name, value)
        assert answer.headers["GS1-EPCIS-Version"] == "2.0.0"
    assert partner.ask("/events", headers={"Accept": "application/ld+json"}).mimetype == (
        "application/ld+json"
    )
    assert partner.ask("/nonsense").json["type"] == "epcisException:NoSuchResourceException"
    assert partner.ask("/events", "DELETE").status_code == 405


def test_an_old_page_token_has_ended(stocked: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    link = stocked.ask("/events?perPage=1").headers["Link"]
    token = re.search(r"nextPageToken=([^>&]+)", link)[1]  # type: ignore[index]
    later = (clock.now() + timedelta(hours=2)).timestamp()
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert stocked.ask(f"/events?nextPageToken={token}").status_code == 400
