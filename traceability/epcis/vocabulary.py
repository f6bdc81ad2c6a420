"""The words of the Core Business Vocabulary 2.0, as data, in the three ways they are written.

One word has a short name (`shipping`), a URN (`urn:epcglobal:cbv:bizstep:shipping`, CBV 1.x) and
a web address (`https://ref.gs1.org/cbv/BizStep-shipping`, CBV 2.0). The web address is the form
that names a word for good; JSON documents write the short name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

CBV: Final = "https://ref.gs1.org/cbv/"
EPCIS: Final = "https://ref.gs1.org/epcis/"
VOC: Final = "https://gs1.org/voc/"
CBV_URN: Final = "urn:epcglobal:cbv:"


class Words(NamedTuple):
    """A closed list of words, and how its URNs and web addresses begin."""

    names: frozenset[str]
    web: str
    urn: str | None


def _words(text: str, web: str, urn: str | None) -> Words:
    return Words(frozenset(text.split()), web, urn)


BIZ_STEPS: Final = _words(
    "accepting arriving assembling collecting commissioning consigning creating_class_instance"
    " cycle_counting decommissioning departing destroying disassembling dispensing encoding"
    " entering_exiting holding inspecting installing killing loading other packing picking"
    " receiving removing repackaging repairing replacing reserving retail_selling sampling"
    " sensor_reporting shipping staging_outbound stock_taking stocking storing transporting"
    " unloading unpacking void_shipping",
    f"{CBV}BizStep-",
    f"{CBV_URN}bizstep:",
)
"""Business steps (CBV 2.0 section 7.1)."""

DISPOSITIONS: Final = _words(
    "active available completeness_inferred completeness_verified conformant container_closed"
    " container_open damaged destroyed dispensed disposed encoded expired in_progress in_transit"
    " inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement"
    " no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved"
    " retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown",
    f"{CBV}Disp-",
    f"{CBV_URN}disp:",
)
"""Dispositions (CBV 2.0 section 7.2)."""

TRANSACTION_TYPES: Final = _words(
    "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt",
    f"{CBV}BTT-",
    f"{CBV_URN}btt:",
)
"""Business transaction types (CBV 2.0 section 7.3)."""

PARTY_TYPES: Final = _words(
    "location owning_party possessing_party", f"{CBV}SDT-", f"{CBV_URN}sdt:"
)
"""Source and destination types (CBV 2.0 section 7.4)."""

ERROR_REASONS: Final = _words("did_not_occur incorrect_data", f"{CBV}ER-", f"{CBV_URN}er:")
"""Error reasons (CBV 2.0 section 7.5)."""

COMPONENTS: Final = _words(
    "x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle"
    " easting northing latitude longitude altitude",
    f"{CBV}Comp-",
    None,
)
"""Components of a measured vector (CBV 2.0 section 7.7)."""

MEASUREMENTS: Final = _words(
    "AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude AmountOfSubstance"
    " AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity"
    " Area Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent"
    " DoseEquivalentRate DynamicViscosity ElectricCharge ElectricCurrent"
    " ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency Illuminance"
    " Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux"
    " LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass"
    " MassConcentration MassFlowRate MassPerAreaTime MemoryCapacity MolalityOfSolute"
    " MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux RadiantIntensity"
    " Radioactivity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed"
    " SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate"
    " VolumeFraction VolumetricFlux Wavenumber",
    VOC,
    None,
)
"""Measurement types of sensor reports (CBV 2.0 section 7.6, GS1 web vocabulary)."""

ALERTS: Final = _words("ALARM_CONDITION ERROR_CONDITION", VOC, None)
"""Exceptions of sensor reports."""

OF_FIELD: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "bizStep": BIZ_STEPS,
        "disposition": DISPOSITIONS,
        "component": COMPONENTS,
        "exception": ALERTS,
        "reason": ERROR_REASONS,
    }
)
"""Which list the bare words of a field come from."""

_BY_URN: Final = {
    words.urn: words.web
    for words in (BIZ_STEPS, DISPOSITIONS, TRANSACTION_TYPES, PARTY_TYPES, ERROR_REASONS)
    if words.urn
}


def web_address(text: str, words: Words) -> str:
    """Give the web address of a word written in any of the ways; other text comes back as it is.

    A URN is rewritten by its form alone, so that a word of a later vocabulary is kept apart from
    no word at all.
    """
    if text in words.names:
        return words.web + text
    return from_urn(text) or text


def from_urn(text: str) -> str | None:
    """Give the web address for a `urn:epcglobal:cbv:` word; None when it is none."""
    if not text.startswith(CBV_URN):
        return None
    kind, mark, word = text[len(CBV_URN) :].partition(":")
    web = _BY_URN.get(f"{CBV_URN}{kind}:") if mark else None
    return web + word if web and word else None


def short_name(text: str, words: Words) -> str | None:
    """Give the short name of a word written in any of the ways; None when the list lacks it."""
    for start in (words.web, words.urn, _curie(words)):
        if start and text.startswith(start):
            text = text[len(start) :]
            break
    return text if text in words.names else None


def urn_of(name: str, words: Words) -> str | None:
    """Give the URN of a short name; None for lists that CBV 1.x did not have."""
    return words.urn + name if words.urn and name in words.names else None


def _curie(words: Words) -> str:
    """Give how a word begins as a compact address: `cbv:BizStep-`, `gs1:`."""
    return words.web.replace(CBV, "cbv:") if words.web.startswith(CBV) else "gs1:"
