"""What roles are called on pages."""

from typing import Final

from flask_babel import lazy_gettext as _l

from parties.people.permissions import Role

ROLE_WORDS: Final = {
    Role.CONSUMER: _l("Shopper"),
    Role.SUPPLIER_OWNER: _l("Supplier, owner"),
    Role.SUPPLIER_CLERK: _l("Supplier, clerk"),
    Role.OUTLET_MANAGER: _l("Outlet manager"),
    Role.COUNTER_CLERK: _l("Counter clerk"),
    Role.COUNTY_OFFICIAL: _l("County official"),
    Role.CITY_OFFICIAL: _l("City official"),
    Role.OPERATOR: _l("Platform operator"),
    Role.AUDITOR: _l("Auditor"),
}
