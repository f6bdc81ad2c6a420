"""Faults as they may be kept and logged: without the values that a database repeats in them."""

import re
from typing import Final

DETAIL: Final = re.compile(r"\nDETAIL:.*?(?=\n\[SQL|\nCONTEXT:|\n\n|\nTraceback|\Z)", re.DOTALL)
"""PostgreSQL's second line, which writes out the failing row: names, phones, addresses."""


def without_values(text: str) -> str:
    """Give the text of an exception or traceback without the rows that PostgreSQL quotes.

    Values in the statement itself are hidden by the engine (`hide_parameters`).
    """
    return DETAIL.sub("", text)
