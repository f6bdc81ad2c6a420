"""Which doors this house has, and where each begins."""

from pathlib import Path
from typing import Final

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from admin.views import bp as office
from app.payments import init_payments
from app.settings import Settings
from cooperatives.views import api as cooperatives_api
from cooperatives.views import blueprint as cooperatives
from counters.views import api as counters_api
from counters.views import bp as counters
from parties.people.login import init_people
from parties.people.permissions import Role
from parties.people.views import bp as people
from shop.frame import init_shop
from shop.views import bp as shop
from shop.views.payment import stripe_notice
from traceability.clones.views import bp as clones
from traceability.clones.views import scanned, scratched
from traceability.log.views import add_cosignature
from traceability.log.views import bp as log
from traceability.partners.views import bp as epcis
from traceability.views import bp as trace
from trade.orders.terms import load_terms

DATA: Final = Path(__file__).parents[1] / "data"

LANDING: Final = {
    Role.OPERATOR: "admin.dashboard",
    Role.CITY_OFFICIAL: "admin.dashboard",
    Role.COUNTY_OFFICIAL: "admin.dashboard",
    Role.AUDITOR: "admin.dashboard",
    Role.SUPPLIER_OWNER: "cooperatives.today",
    Role.SUPPLIER_CLERK: "cooperatives.today",
    Role.OUTLET_MANAGER: "counters.till",
    Role.COUNTER_CLERK: "counters.till",
    Role.CONSUMER: "shop.home",
}
"""Where each role begins after signing in; of somebody's roles the first in this order counts."""


def init_doors(app: Flask, settings: Settings, csrf: CSRFProtect) -> None:
    """Hang every door's pages into `app`."""
    init_people(app, settings, landing=LANDING)
    app.register_blueprint(people)
    init_payments(app, settings)
    init_shop(app, terms=load_terms(DATA))
    app.register_blueprint(shop)
    csrf.exempt(stripe_notice)  # it is signed by the payment provider
    app.register_blueprint(cooperatives)
    app.register_blueprint(cooperatives_api)
    app.register_blueprint(trace)
    app.register_blueprint(clones)
    for view in (scanned, scratched):
        csrf.exempt(view)  # anybody may send them; they need no session and change nobody's
    app.register_blueprint(log)
    csrf.exempt(add_cosignature)  # it is signed by a witness
    app.register_blueprint(epcis)
    csrf.exempt(epcis)  # it takes a token and no cookie
    app.register_blueprint(counters)
    app.register_blueprint(counters_api)
    csrf.exempt(counters_api)  # it takes a token and no cookie
    app.register_blueprint(office)
