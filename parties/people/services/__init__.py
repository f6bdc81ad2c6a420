"""The verbs of people: every change of an account, a role, a code, a sign-in or a token."""

from parties.people.services.accounts import (
    change_password,
    change_profile,
    create_account,
    erase_account,
    reset_password,
    sign_up_by_email,
)
from parties.people.services.codes import send_code
from parties.people.services.letters_out import post_letter
from parties.people.services.outcome import Outcome
from parties.people.services.roles import grant_role, revoke_role
from parties.people.services.sign_in import (
    Proof,
    check_own_password,
    check_password,
    sign_in_by_code,
    sign_in_by_password,
    sign_in_to_demo,
    sign_out,
    sign_out_everywhere,
)
from parties.people.services.sweep import forget_old
from parties.people.services.tokens import (
    SCOPES,
    issue_system_token,
    issue_token,
    may_manage_system,
    note_token_use,
    revoke_token,
    token_hash,
)

__all__ = [
    "SCOPES",
    "Outcome",
    "Proof",
    "change_password",
    "change_profile",
    "check_own_password",
    "check_password",
    "create_account",
    "erase_account",
    "forget_old",
    "grant_role",
    "issue_system_token",
    "issue_token",
    "may_manage_system",
    "note_token_use",
    "post_letter",
    "reset_password",
    "revoke_role",
    "revoke_token",
    "send_code",
    "sign_in_by_code",
    "sign_in_by_password",
    "sign_in_to_demo",
    "sign_out",
    "sign_out_everywhere",
    "sign_up_by_email",
    "token_hash",
]
