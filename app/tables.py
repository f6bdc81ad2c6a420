"""Brings every room's tables into one place, for migrations and tests."""

import foundation.once
import foundation.outbox
import goods.catalogue.models
import goods.stock.models
import insight.recalls.models
import insight.rollups.models
import parties.network.models
import parties.people.models
import traceability.balance.models
import traceability.clones.models
import traceability.epcis.models
import traceability.log.models
import traceability.models
import traceability.printing.models
import traceability.recalls.models
import traceability.resolver.models
import trade.ledger.models
import trade.orders.models
import trade.sales.models

__all__ = [
    "foundation",
    "goods",
    "insight",
    "parties",
    "traceability",
    "trade",
]
