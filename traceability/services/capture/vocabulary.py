"""Words, namespaces and master data that come in with documents."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.db import add_rows
from foundation.locks import lock_key
from traceability.epcis.identifiers import canonical
from traceability.epcis.models import EpcisWord, MasterAttribute
from traceability.epcis.words import own_prefixes, prefixes_of, written_out
from traceability.services.capture.incoming import Incoming


def keep_words(session: Session, taken: Sequence[Incoming], organisation_id: int) -> None:
    """Note the prefixes and words of events that are not the standard's."""
    wanted: set[tuple[str, str, str]] = set()
    seen: list[Any] = []
    for one in taken:
        if not any(one.context is each for each in seen):
            seen.append(one.context)
            wanted |= {
                ("prefix", name[:300], uri[:300]) for name, uri in own_prefixes(one.context).items()
            }
        wanted |= {(kind, text[:300], "") for kind, text in one.read.words}
    if not wanted:
        return
    before = {
        tuple(row)
        for row in session.execute(
            select(EpcisWord.kind, EpcisWord.word, EpcisWord.namespace).where(
                EpcisWord.organisation_id == organisation_id
            )
        )
    }
    if not wanted - before:
        return
    lock_key(session, f"epcis-words:{organisation_id}")
    before |= {
        tuple(row)
        for row in session.execute(
            select(EpcisWord.kind, EpcisWord.word, EpcisWord.namespace).where(
                EpcisWord.organisation_id == organisation_id
            )
        )
    }
    add_rows(
        session,
        EpcisWord,
        [
            {
                "organisation_id": organisation_id,
                "kind": kind,
                "word": text,
                "namespace": namespace,
            }
            for kind, text, namespace in sorted(wanted - before)
        ],
    )


def keep_master_data(
    session: Session, document: Mapping[str, Any], organisation_id: int, *, now: datetime
) -> None:
    """Keep the master data of a document's header (EPCIS 2.0 section 9.4, JSON binding)."""
    header = document.get("epcisHeader")
    data = header.get("epcisMasterData") if isinstance(header, Mapping) else None
    vocabularies = data.get("vocabularyList") if isinstance(data, Mapping) else None
    if not isinstance(vocabularies, list):
        return
    prefixes = prefixes_of(document.get("@context"))
    rows = {
        (organisation_id, element, attribute, value): kind
        for kind, element, attribute, value in _master_lines(vocabularies, prefixes)
    }
    elements = sorted({key[1] for key in rows})
    before: set[tuple[Any, ...]] = set()
    for first in range(0, len(elements), 500):
        before |= {
            tuple(row)
            for row in session.execute(
                select(
                    MasterAttribute.organisation_id,
                    MasterAttribute.element,
                    MasterAttribute.attribute,
                    MasterAttribute.value,
                ).where(
                    MasterAttribute.organisation_id == organisation_id,
                    MasterAttribute.element.in_(elements[first : first + 500]),
                )
            )
        }
    add_rows(
        session,
        MasterAttribute,
        [
            {
                "organisation_id": organisation_id,
                "vocabulary": kind,
                "element": element,
                "attribute": attribute,
                "value": value,
                "recorded_at": now,
            }
            for (_owner, element, attribute, value), kind in rows.items()
            if (organisation_id, element, attribute, value) not in before
        ],
    )


def _master_lines(
    vocabularies: Sequence[Any], prefixes: Mapping[str, str]
) -> Iterable[tuple[str, str, str, str]]:
    for vocabulary in vocabularies:
        kind = written_out(str(vocabulary.get("type", "")), prefixes)[:120]
        for element in vocabulary.get("vocabularyElementList", ()):
            name = canonical(str(element.get("id", "")))
            for attribute in element.get("attributes", ()):
                value = attribute.get("attribute")
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                yield (
                    kind,
                    name,
                    written_out(str(attribute.get("id", "")), prefixes)[:300],
                    text[:300],
                )
            for child in element.get("children", ()):
                yield kind, name, "child", canonical(str(child))
