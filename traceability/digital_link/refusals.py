"""Why a code is refused."""

from foundation.errors import BadInput


class CodeUnreadable(BadInput):
    """The text is no well-formed code."""

    code = "code_unreadable"


class CheckDigitWrong(BadInput):
    """The last digit of a number does not fit the digits before it."""

    code = "check_digit_wrong"


class CodeKindUnsupported(BadInput):
    """A well-formed GS1 code of something that is neither goods, a case nor a place."""

    code = "code_kind_unsupported"


class CodeNotForUri(BadInput):
    """A value that a URI path cannot carry: browsers take `.` and `..` away."""

    code = "code_not_for_uri"
