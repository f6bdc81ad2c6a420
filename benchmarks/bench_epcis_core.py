"""How fast documents of events are validated, and events hashed, on one core.

Each is measured in turn with what any program must do with the same events before anything else:
parse their JSON. Events are our own, of all five types, each with identifiers, times, places and
serials of its own, so that nothing is answered from a cache of the event before.
"""

import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Figure, Size
from traceability.epcis.event_hash import hashes
from traceability.epcis.identity import check_digit
from traceability.epcis.validation import problems

NAME = "epcis-core"
EVENTS = {"small": 4_000, "full": 40_000}
IN_ONE = 100
"""Events in one document."""
ROUNDS = 7
ASK_HASHED = 10_000
ASK_VALIDATED = 20_000

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"hall": "https://hall.example/voc/"},
]


class Maker:
    """Makes events of a story that nobody has heard before."""

    def __init__(self) -> None:
        """Begin it, always the same."""
        self.rng = random.Random(2026)
        self.count = 0

    def digits(self, length: int) -> str:
        """Give a number of so many digits."""
        return str(self.rng.randrange(10 ** (length - 1), 10**length))

    def serial(self) -> str:
        """Name a jar: half of the senders write URNs."""
        item, serial = self.digits(5), f"J{self.digits(9)}"
        if self.rng.random() < 0.5:  # noqa: PLR2004 -- half
            return f"urn:epc:id:sgtin:6921234.0{item}.{serial}"
        body = f"06921234{item}"
        return f"https://trace.example/01/{body}{check_digit(body)}/21/{serial}?17=271231"

    def lot(self) -> dict[str, Any]:
        """Name so much of a lot."""
        kind = f"urn:epc:class:lgtin:6921234.0{self.digits(5)}.L{self.digits(6)}"
        return {"epcClass": kind, "quantity": self.rng.randrange(1, 9000) / 10, "uom": "KGM"}

    def case(self) -> str:
        """Name a case."""
        return f"urn:epc:id:sscc:6921234.{self.digits(10)}"

    def place(self) -> dict[str, Any]:
        """Name one of two thousand places."""
        return {"id": f"urn:epc:id:sgln:6921234.{self.rng.randrange(2000):05d}.0"}

    def event(self) -> dict[str, Any]:
        """Make the next event."""
        self.count += 1
        minute, second = divmod(self.count, 60)
        event: dict[str, Any] = {
            "eventID": f"urn:uuid:{self.count:08x}-0000-4000-8000-000000000000",
            "eventTime": f"2026-{1 + minute // 60 % 12:02}-{1 + minute // 720 % 28:02}"
            f"T08:{minute % 60:02}:{second:02}.{self.count % 1000:03}+08:00",
            "eventTimeZoneOffset": "+08:00",
            "readPoint": self.place(),
            "bizLocation": self.place(),
        }
        return event | self._about(self.count % 6)

    def _about(self, kind: int) -> dict[str, Any]:
        if kind == 0:
            return {
                "type": "ObjectEvent",
                "action": "ADD",
                "bizStep": "commissioning",
                "disposition": "active",
                "epcList": [self.serial() for _ in range(6)],
                "ilmd": {"hall:lotNumber": f"L{self.digits(6)}", "hall:grade": "A"},
            }
        if kind == 1:
            return {
                "type": "AggregationEvent",
                "action": "ADD",
                "bizStep": "packing",
                "parentID": self.case(),
                "childEPCs": [self.serial() for _ in range(6)],
            }
        if kind == 2:  # noqa: PLR2004 -- the third kind
            return {
                "type": "TransformationEvent",
                "bizStep": "commissioning",
                "transformationID": f"urn:epc:id:gdti:6921234.00009.{self.digits(8)}",
                "inputQuantityList": [self.lot(), self.lot()],
                "outputQuantityList": [self.lot()],
                "hall:machine": {"hall:name": "centrifuge 2", "hall:speed": 1400},
            }
        if kind == 3:  # noqa: PLR2004 -- the fourth kind
            return {
                "type": "ObjectEvent",
                "action": "OBSERVE",
                "bizStep": "sensor_reporting",
                "epcList": [self.case()],
                "sensorElementList": [
                    {
                        "sensorMetadata": {"deviceID": f"urn:epc:id:giai:6921234.{self.digits(6)}"},
                        "sensorReport": [
                            {"type": "Temperature", "value": 21.5, "uom": "CEL"},
                            {"type": "RelativeHumidity", "value": 64, "uom": "A93"},
                        ],
                    }
                ],
            }
        if kind == 4:  # noqa: PLR2004 -- the fifth kind
            return {
                "type": "TransactionEvent",
                "action": "ADD",
                "bizStep": "shipping",
                "disposition": "in_transit",
                "bizTransactionList": [
                    {"type": "po", "bizTransaction": f"urn:hall:order:{self.digits(9)}"}
                ],
                "epcList": [self.case()],
            }
        return {
            "type": "ObjectEvent",
            "action": "OBSERVE",
            "bizStep": "receiving",
            "disposition": "in_progress",
            "epcList": [self.case(), self.case()],
            "sourceList": [{"type": "location", "source": self.place()["id"]}],
            "destinationList": [{"type": "location", "destination": self.place()["id"]}],
        }


def documents(count: int) -> list[dict[str, Any]]:
    """Make documents of so many events in all."""
    maker = Maker()
    return [
        {
            "@context": CONTEXT,
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-23T08:00:00+08:00",
            "epcisBody": {"eventList": [maker.event() for _ in range(IN_ONE)]},
        }
        for _ in range(count // IN_ONE)
    ]


def spoilt(whole: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make each fifth event wrong in one of four ways."""
    made = json.loads(json.dumps(whole))
    for document in made:
        for turn, event in enumerate(document["epcisBody"]["eventList"][::5]):
            match turn % 4:
                case 0:
                    event["bizStep"] = "selling"
                case 1:
                    event["eventTime"] = "2026-04-12"
                case 2:
                    event["colour"] = "red"
                case _:
                    del event["type"]
    found: list[dict[str, Any]] = made
    return found


def _rate(action: Callable[[Any], object], over: list[Any], events: int) -> float:
    """Give how many events a second of this core's time."""
    begun = time.process_time()
    for one in over:
        action(one)
    return events / (time.process_time() - begun)


def figures_of(count: int, rounds: int = ROUNDS) -> list[Figure]:
    """Measure hashing and validating so many events against parsing them."""
    whole = documents(count)
    wrong = spoilt(whole)
    texts = [json.dumps(document) for document in whole]
    if any(map(problems, whole)) or not all(map(problems, wrong)):
        raise RuntimeError("the bench's own events are not what they should be")
    sides: dict[str, Callable[[], float]] = {
        "parse": lambda: _rate(json.loads, texts, count),
        "hash": lambda: _rate(hashes, whole, count),
        "valid": lambda: _rate(problems, whole, count),
        "wrong": lambda: _rate(problems, wrong, count),
    }
    turns = [{name: side() for name, side in sides.items()} for _ in range(rounds + 1)][1:]
    told = (
        ("hash", "epcis: events hashed", ASK_HASHED),
        ("valid", "epcis: valid events validated", ASK_VALIDATED),
        ("wrong", "epcis: events validated, each fifth wrong", ASK_VALIDATED),
    )
    return [_figure(name, title, ask, turns) for name, title, ask in told]


def _figure(name: str, title: str, ask: int, turns: list[dict[str, float]]) -> Figure:
    ours = statistics.median(turn[name] for turn in turns)
    return Figure(
        title,
        "events/s",
        ours,
        against=statistics.median(turn["parse"] for turn in turns),
        ratio=statistics.median(turn[name] / turn["parse"] for turn in turns),
        ok=ours >= ask,
        note=f"asked: ≥ {ask:,} events/s of one core's time; against parsing the same JSON",
    )


def run(size: Size) -> list[Figure]:
    """Measure all three."""
    return figures_of(EVENTS[size])
