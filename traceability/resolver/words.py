"""What people call the link types."""

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _

LINK_TYPE_NAMES: Final[Mapping[str, Any]] = {
    "traceability": _("Its way here"),
    "epcis": _("Its records as data"),
    "recallStatus": _("Whether it is recalled"),
    "pip": _("Product page"),
    "certificationInfo": _("Certificates"),
    "instructions": _("Instructions"),
    "faqs": _("Questions and answers"),
    "support": _("Help"),
    "ingredientsInfo": _("Ingredients"),
    "nutritionalInfo": _("Nutrition"),
    "allergenInfo": _("Allergens"),
    "consumerHandlingStorageInfo": _("Storage"),
    "recipeInfo": _("Recipes"),
    "safetyInfo": _("Safety"),
    "sustainabilityInfo": _("Sustainability"),
    "locationInfo": _("Place"),
    "openingHoursInfo": _("Opening hours"),
    "hasRetailers": _("Where to buy"),
    "homepage": _("Homepage"),
    "relatedImage": _("Picture"),
    "relatedVideo": _("Video"),
    "review": _("Reviews"),
    "registerProduct": _("Register it"),
    "serviceInfo": _("Service"),
    "logisticsInfo": _("Logistics"),
    "masterData": _("Master data"),
    "socialMedia": _("Social media"),
    "quickStartGuide": _("Quick start"),
    "tutorial": _("Tutorial"),
}
