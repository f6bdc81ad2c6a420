"""Reads from the installed `stripe` client which parameters Stripe takes.

`python -m doubles.stripe.client_schema` writes them to parameters.json, so that the double
itself never imports the 25 MB client; a test compares the file with the client installed.
"""

import decimal
import json
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

PARAMETERS = Path(__file__).with_name("parameters.json")

# What the double answers, and the client's name for its parameters.
ENDPOINTS = {
    "checkout.session.create": "checkout.SessionCreateParams",
    "checkout.session.retrieve": "checkout.SessionRetrieveParams",
    "checkout.session.list": "checkout.SessionListParams",
    "checkout.session.expire": "checkout.SessionExpireParams",
    "checkout.session.line_items": "checkout.SessionListLineItemsParams",
    "payment_intent.retrieve": "PaymentIntentRetrieveParams",
    "payment_intent.list": "PaymentIntentListParams",
    "charge.retrieve": "ChargeRetrieveParams",
    "charge.list": "ChargeListParams",
    "refund.create": "RefundCreateParams",
    "refund.retrieve": "RefundRetrieveParams",
    "refund.list": "RefundListParams",
    "event.retrieve": "EventRetrieveParams",
    "event.list": "EventListParams",
}

_PLAIN: dict[object, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    decimal.Decimal: "number",
}


def read_client() -> dict[str, Any]:
    """Give `{"api_version": ..., "endpoints": {name: hash schema}}` of the installed client.

    A schema is a word (`string`, `integer`, `boolean`, `number`, `map`) or a hash with
    `kind` = `hash` (`fields`, `required`), `list` (`of`), `enum` (`values`) or
    `either` (`of`: several).
    """
    import stripe
    import stripe.params
    import stripe.params.checkout

    endpoints = {}
    for endpoint, name in ENDPOINTS.items():
        room, _, last = name.rpartition(".")
        module = stripe.params.checkout if room else stripe.params
        endpoints[endpoint] = _hash_schema(getattr(module, last))
    return {"api_version": stripe.api_version, "endpoints": endpoints}


def _hash_schema(params: Any) -> dict[str, Any]:
    from stripe._request_options import RequestOptions
    from stripe._stripe_object import UntypedStripeObject

    names = {
        "Mapping": Mapping,
        "StripeContext": object,
        "UntypedStripeObject": UntypedStripeObject,
    }
    annotations = typing.get_type_hints(params, localns=names, include_extras=True)
    fields = {}
    required = []
    for field, annotation in annotations.items():
        if field in RequestOptions.__annotations__:
            continue  # how to ask, not what
        inner = annotation
        if get_origin(annotation) is typing.NotRequired:
            inner = get_args(annotation)[0]
        else:
            required.append(field)
        fields[field] = _schema(inner)
    return {"kind": "hash", "fields": dict(sorted(fields.items())), "required": sorted(required)}


def _schema(annotation: Any) -> Any:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if hasattr(annotation, "__total__"):  # a TypedDict, of typing or of typing_extensions
        return _hash_schema(annotation)
    origin = get_origin(annotation)
    if origin is list:
        return {"kind": "list", "of": _schema(get_args(annotation)[0])}
    if origin is Literal:
        return {"kind": "enum", "values": list(get_args(annotation))}
    if origin in {typing.Union, types.UnionType}:
        return _union_schema(get_args(annotation))
    return "map"  # Dict[str, str] and the client's own object of the same meaning


def _union_schema(members: tuple[Any, ...]) -> Any:
    schemas: list[Any] = []
    for member in members:
        schema = _schema(member)
        if schema not in schemas and member is not type(None):
            schemas.append(schema)
    closed = [one for one in schemas if isinstance(one, dict) and one["kind"] == "enum"]
    if closed and "string" in schemas and closed[0]["values"] != [""]:
        # `Literal[...] | str` leaves room for values to come; Stripe takes today's only.
        schemas.remove("string")
    return schemas[0] if len(schemas) == 1 else {"kind": "either", "of": schemas}


def as_text(schema: dict[str, Any]) -> str:
    """Give the file's text: one line per endpoint, so that a change can be read."""
    lines = [
        f"  {json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}"
        for name, one in schema["endpoints"].items()
    ]
    return (
        f'{{"api_version": {json.dumps(schema["api_version"])},\n'
        '"endpoints": {\n' + ",\n".join(lines) + "\n}}\n"
    )


if __name__ == "__main__":
    PARAMETERS.write_text(as_text(read_client()), encoding="utf-8")
    sys.stdout.write(f"{PARAMETERS} written\n")
