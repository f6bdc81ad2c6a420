"""The interface's addresses. Every answer is JSON; every refusal is problem details."""

from flask import Blueprint
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from foundation.errors import Refused
from traceability.partners.frame import (
    canceled,
    gs1_headers,
    http_error,
    refused,
    too_deep,
)
from traceability.partners.views import capturing, discovery, events, named, resources

bp = Blueprint("epcis", __name__, url_prefix="/epcis")
bp.register_error_handler(Refused, refused)
bp.register_error_handler(HTTPException, http_error)
bp.register_error_handler(RecursionError, too_deep)
bp.register_error_handler(OperationalError, canceled)
bp.after_request(gs1_headers)
bp.before_app_request(named.no_stream)
for part in (discovery, capturing, events, resources, named):
    part.register(bp)
discovery.register_unknown(bp)
