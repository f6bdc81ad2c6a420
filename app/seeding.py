"""Taking in a region: a folder of files through the verbs of the rooms that own them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from goods.catalogue.services import import_classes, import_products
from parties.network.services import (
    import_counties,
    import_organisations,
    import_outlets,
    import_places,
    import_plan,
    import_region,
    import_towns,
)
from parties.people.permissions import Actor, Grant, Role
from traceability.services.templates import import_templates

SEEDER = Actor(id=None, grants=(Grant(Role.OPERATOR),))


def take_in_region(session: Session, folder: Path, *, now: datetime, actor: Actor = SEEDER) -> None:
    """Take in plan, network, catalogue and templates of the region described in `folder`."""

    def read(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    def rows(name: str) -> list[dict[str, Any]]:
        found = read(name)
        listed = found if isinstance(found, list) else found[name]
        return list(listed)

    import_region(session, read("region"), actor=actor, now=now)
    import_plan(session, read("plan"), actor=actor, now=now)
    import_counties(session, rows("counties"), actor=actor)
    import_towns(session, rows("towns"), actor=actor)
    import_organisations(session, rows("organisations"), actor=actor, now=now)
    import_places(session, rows("places"), actor=actor, now=now)
    import_outlets(session, rows("outlets"), actor=actor, now=now)
    import_templates(session, rows("trace_templates"), actor=actor)
    import_classes(
        session,
        categories=rows("categories"),
        compliance=rows("compliance_classes"),
        returns=rows("return_policies"),
        actor=actor,
    )
    import_products(session, rows("products"), actor=actor, now=now, publish=True)
