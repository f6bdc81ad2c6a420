"""The scan page over HTTP."""

from flask.testing import FlaskClient

from foundation.db import Database
from tests.factories import on_shelf, world


def test_an_item_page_tells_the_way_from_place_to_place(
    database: Database, client: FlaskClient
) -> None:
    with database.transaction() as session:
        w = world(session)
        lot, serials = on_shelf(w)
        address = f"/01/{w.sku.gtin}/10/{lot.lot_no}/21/{serials[0].serial}"
        names = [w.place("workshop").name_zh, w.outlet.name_zh, w.supplier.short_zh]
    page = client.get(address)
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert lot.lot_no in text
    assert serials[0].serial in text
    assert [name for name in names if name not in text] == []
