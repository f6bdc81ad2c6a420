"""Reading an installation's terms from its data folder, once."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from trade.orders.rules import Terms, read_freight, read_provinces


@cache
def load_terms(data: Path, region: str = "region") -> Terms:
    """Read freight (`<region>/shipping.json`) and places (`places/provinces.json`) under `data`."""

    def read(name: str) -> Any:
        return json.loads((data / name).read_text(encoding="utf-8"))

    return Terms(
        freight=read_freight(read(f"{region}/shipping.json")),
        provinces=read_provinces(read("places/provinces.json")),
    )
