"""Everything that can be permitted, the bundles that roles carry, and who is asking."""

from dataclasses import dataclass
from enum import StrEnum

from foundation.errors import NotAllowed


class Can(StrEnum):
    """One thing a person may be allowed to do."""

    # shop
    BUY = "shop.buy"
    # cooperatives
    SEE_SUPPLIER_DESK = "cooperatives.see_desk"
    MANAGE_CATALOGUE = "cooperatives.manage_catalogue"
    RECORD_LOT = "cooperatives.record_lot"
    PRINT_LABELS = "cooperatives.print_labels"
    MANAGE_LINKS = "cooperatives.manage_links"
    SHIP_GOODS = "cooperatives.ship_goods"
    FULFIL_ORDERS = "cooperatives.fulfil_orders"
    SEE_STATEMENT = "cooperatives.see_statement"
    # counters
    SEE_COUNTER = "counters.see_counter"
    RECEIVE_GOODS = "counters.receive_goods"
    SELL = "counters.sell"
    # admin
    SEE_DASHBOARD = "admin.see_dashboard"
    SEE_LOT_JOURNEY = "admin.see_lot_journey"
    EXPORT_DATA = "admin.export_data"
    RECALL = "admin.recall"
    END_RECALL = "admin.end_recall"
    MANAGE_NETWORK = "admin.manage_network"
    APPROVE_PRODUCT = "admin.approve_product"
    SEE_AUDIT = "admin.see_audit"
    OPERATE = "admin.operate"
    REFUND = "admin.refund"
    # people
    GRANT_ROLES = "people.grant_roles"
    ISSUE_TOKENS = "people.issue_tokens"
    MANAGE_PARTNERS = "people.manage_partners"


class Role(StrEnum):
    """What somebody is here."""

    CONSUMER = "consumer"
    SUPPLIER_OWNER = "supplier_owner"
    SUPPLIER_CLERK = "supplier_clerk"
    OUTLET_MANAGER = "outlet_manager"
    COUNTER_CLERK = "counter_clerk"
    COUNTY_OFFICIAL = "county_official"
    CITY_OFFICIAL = "city_official"
    OPERATOR = "operator"
    AUDITOR = "auditor"


SUPPLIER_CLERK = {
    Can.ISSUE_TOKENS,
    Can.SEE_SUPPLIER_DESK,
    Can.RECORD_LOT,
    Can.PRINT_LABELS,
    Can.SHIP_GOODS,
    Can.FULFIL_ORDERS,
}
COUNTER_CLERK = {Can.ISSUE_TOKENS, Can.SEE_COUNTER, Can.RECEIVE_GOODS, Can.SELL}
COUNTY_OFFICIAL = {
    Can.ISSUE_TOKENS,
    Can.SEE_DASHBOARD,
    Can.SEE_LOT_JOURNEY,
    Can.EXPORT_DATA,
    Can.RECALL,
    Can.APPROVE_PRODUCT,
}
ROLES: dict[Role, frozenset[Can]] = {
    Role.CONSUMER: frozenset({Can.BUY}),
    Role.SUPPLIER_CLERK: frozenset(SUPPLIER_CLERK),
    Role.SUPPLIER_OWNER: frozenset(
        SUPPLIER_CLERK
        | {
            Can.MANAGE_CATALOGUE,
            Can.MANAGE_LINKS,
            Can.SEE_STATEMENT,
            Can.GRANT_ROLES,
            Can.MANAGE_PARTNERS,
        }
    ),
    Role.COUNTER_CLERK: frozenset(COUNTER_CLERK),
    Role.OUTLET_MANAGER: frozenset(COUNTER_CLERK | {Can.EXPORT_DATA, Can.GRANT_ROLES}),
    Role.COUNTY_OFFICIAL: frozenset(COUNTY_OFFICIAL),
    Role.CITY_OFFICIAL: frozenset(
        COUNTY_OFFICIAL | {Can.MANAGE_NETWORK, Can.GRANT_ROLES, Can.END_RECALL}
    ),
    Role.OPERATOR: frozenset(
        {
            Can.SEE_DASHBOARD,
            Can.SEE_LOT_JOURNEY,
            Can.EXPORT_DATA,
            Can.MANAGE_NETWORK,
            Can.APPROVE_PRODUCT,
            Can.OPERATE,
            Can.REFUND,
            Can.GRANT_ROLES,
            Can.ISSUE_TOKENS,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Can.SEE_DASHBOARD,
            Can.SEE_LOT_JOURNEY,
            Can.EXPORT_DATA,
            Can.SEE_AUDIT,
            Can.ISSUE_TOKENS,
        }
    ),
}

SCOPED_BY: dict[Role, str | None] = {
    Role.CONSUMER: None,
    Role.SUPPLIER_OWNER: "organisation_id",
    Role.SUPPLIER_CLERK: "organisation_id",
    Role.OUTLET_MANAGER: "place_id",
    Role.COUNTER_CLERK: "place_id",
    Role.COUNTY_OFFICIAL: "county_code",
    Role.CITY_OFFICIAL: None,
    Role.OPERATOR: None,
    Role.AUDITOR: None,
}
"""Which of a grant's limits a role must carry; None: the whole region."""

MAY_GRANT: dict[Role, frozenset[Role]] = {
    Role.OPERATOR: frozenset(Role),
    Role.CITY_OFFICIAL: frozenset({Role.COUNTY_OFFICIAL}),
    Role.SUPPLIER_OWNER: frozenset({Role.SUPPLIER_CLERK}),
    Role.OUTLET_MANAGER: frozenset({Role.COUNTER_CLERK}),
}
"""Which roles the holder of a role may give to others, and take away, within its own limits."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose and where an object is, as far as permissions care; None matches no limit."""

    organisation_id: int | None = None
    place_id: int | None = None
    county_code: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One role, limited to an organisation, a place or a county, or unlimited."""

    role: Role
    organisation_id: int | None = None
    place_id: int | None = None
    county_code: str | None = None

    def covers(self, scope: Scope) -> bool:
        """Tell whether every limit of this grant matches `scope`."""
        return (
            self.organisation_id in (None, scope.organisation_id)
            and self.place_id in (None, scope.place_id)
            and self.county_code in (None, scope.county_code)
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever is asking, as far as a verb needs to know: an account id and its grants."""

    id: int | None
    grants: tuple[Grant, ...] = ()

    def grants_for(self, permission: Can) -> tuple[Grant, ...]:
        """Give the grants that carry `permission`; queries are scoped by their limits."""
        return tuple(grant for grant in self.grants if permission in ROLES[grant.role])

    def can(self, permission: Can, scope: Scope | None = None) -> bool:
        """Tell whether this actor may at all, or may with the object at `scope`."""
        held = self.grants_for(permission)
        return bool(held) if scope is None else any(grant.covers(scope) for grant in held)

    def must(self, permission: Can, scope: Scope | None = None) -> None:
        """Raise NotAllowed unless this actor may."""
        if not self.can(permission, scope):
            raise NotAllowed("You may not do this here")

    def organisations(self, permission: Can) -> frozenset[int]:
        """Give the organisations to which `permission` is limited; empty when it is not."""
        return frozenset(
            grant.organisation_id
            for grant in self.grants_for(permission)
            if grant.organisation_id is not None
        )

    def places(self, permission: Can) -> frozenset[int]:
        """Give the places to which `permission` is limited; empty when it is not."""
        return frozenset(
            grant.place_id for grant in self.grants_for(permission) if grant.place_id is not None
        )


NOBODY = Actor(id=None)
"""A visitor who has not signed in."""

SYSTEM = Actor(id=None, grants=(Grant(Role.OPERATOR),))
"""The program itself: expiry sweeps, webhooks, seeding."""
