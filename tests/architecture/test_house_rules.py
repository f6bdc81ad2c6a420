"""The house's rules, checked where the code itself can tell."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from foundation.db import INSERT_ONLY, Base, Database
from foundation.once import CommandDone
from parties.people.permissions import ROLES, Can
from tests.architecture.test_repository import texts
from tests.databases import NOW
from tests.factories import on_shelf, world

ROOMS = ("foundation", "parties", "goods", "traceability", "trade", "insight")
DOORS = ("shop", "cooperatives", "counters", "admin", "app")
PERSONAL = re.compile(r"(^|_)(phone|email|recipient|real_name|display_name|street|address_line)")
MAY_HOLD_PERSONS = {
    "accounts",
    "one_time_codes",
    "sent_messages",
    "sign_ins",
    "addresses",
    "orders",
    "order_contacts",
}
MAY_CATCH_ALL = {"app/work.py", "app/errors.py", "foundation/outbox.py"}
MAY_ASK_THE_CLOCK = {"foundation/clock.py"}


@cache
def code() -> dict[str, ast.Module]:
    """The house's own modules, parsed, by their path from the root."""
    return {
        name: ast.parse(text)
        for name, text in texts().items()
        if name.endswith(".py") and name.split("/")[0] in (*ROOMS, *DOORS, "wsgi.py", "asgi.py")
    }


def places(found: Callable[[ast.AST], bool], *, but: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    """Where in the house a kind of expression stands."""
    return [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in code().items()
        if name not in but
        for node in ast.walk(tree)
        if found(node)
    ]


def calls(node: ast.AST, *names: str) -> bool:
    """Tell whether `node` calls a method of one of these names."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    )


def test_every_address_declares_its_guard(web: Flask) -> None:
    allowed = {*Can, "signed_in", "open"}
    silent = [
        rule.rule
        for rule in web.url_map.iter_rules()
        if web.view_functions[rule.endpoint].__dict__.get("guard") not in allowed
    ]
    assert silent == []


def test_every_permission_that_an_address_asks_for_is_held_by_some_role(web: Flask) -> None:
    held = set().union(*ROLES.values())
    asked = {view.__dict__["guard"] for view in web.view_functions.values()} & set(Can)
    assert asked
    assert asked <= held


def test_only_the_foundation_ends_transactions() -> None:
    assert places(lambda node: calls(node, "commit", "rollback"), but={"foundation/db.py"}) == []


def test_only_the_foundations_clock_asks_what_time_it_is() -> None:
    def asks(node: ast.AST) -> bool:
        return calls(node, "now", "utcnow", "today") and "clock" not in ast.unparse(node)

    assert places(asks, but=MAY_ASK_THE_CLOCK) == []


def test_verbs_rules_and_reads_do_not_ask_the_clock_at_all() -> None:
    inside = re.compile(r"(^|/)(rules|services|queries|models)(\.py|/)")
    asked = [
        name
        for name, tree in code().items()
        if inside.search(name) and name.split("/")[0] in ROOMS
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"clock.now", "now"}
    ]
    assert asked == []


def test_nobody_catches_everything_but_the_job_runner_and_the_error_page() -> None:
    def catches_all(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        caught = ast.unparse(node.type) if node.type else ""
        return not node.type or bool(re.search(r"\b(Base)?Exception\b", caught))

    assert places(catches_all, but=MAY_CATCH_ALL) == []


def test_no_model_is_filled_from_whatever_came_in() -> None:
    tables = {mapper.class_.__name__ for mapper in Base.registry.mappers}

    def filled(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in tables
            and any(word.arg is None for word in node.keywords)
        )

    doors = [place for place in places(filled) if place.split("/")[0] in DOORS]
    assert doors == []


def modules(kind: str) -> Iterator[ModuleType]:
    """The rooms' modules that are, or lie in, a file or folder of this name."""
    for name in code():
        parts = name.removesuffix(".py").removesuffix("/__init__").split("/")
        if kind in parts and parts[0] in ROOMS:
            yield import_module(".".join(parts))


def verbs() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every public function of a services module that is defined there."""
    for module in modules("services"):
        for name, thing in vars(module).items():
            if (
                inspect.isfunction(thing)
                and thing.__module__ == module.__name__
                and not name.startswith("_")
            ):
                yield f"{module.__name__}.{name}", thing


def test_actor_and_now_are_given_by_name() -> None:
    positional = [
        f"{name}({parameter.name})"
        for name, verb in verbs()
        for parameter in inspect.signature(verb).parameters.values()
        if parameter.name in {"actor", "now"} and parameter.kind is not parameter.KEYWORD_ONLY
    ]
    assert positional == []


def test_what_writes_an_audit_entry_knows_who_did_it() -> None:
    """Whoever calls `record` of the audit trail has an actor to put into it."""
    lost = []
    for name, verb in verbs():
        if re.search(r"\baudit\.record\(|\brecord\(session", inspect.getsource(verb)):
            known = inspect.signature(verb).parameters
            if not {"actor", "account_id", "account", "session"} & set(known):
                lost.append(name)
    assert lost == []


def test_tables_made_insert_only_are_the_ledgers_and_the_facts() -> None:
    assert {
        "audit_entries",
        "event_lots",
        "event_serials",
        "prices",
        "sale_lines",
        "sales",
        "stock_moves",
        "tenders",
        "trace_events",
        "transfers",
    } <= INSERT_ONLY
    assert set(Base.metadata.tables) >= INSERT_ONLY


@pytest.fixture
def facts(session: Session) -> Session:
    """A region in which a case has gone to a counter, so that ledgers have rows."""
    w = world(session)
    on_shelf(w, packs=12)
    session.flush()
    return session


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_itself_refuses_to_change_what_was_written(
    facts: Session, change: str
) -> None:
    held = 0
    for name in sorted(INSERT_ONLY):
        table = Base.metadata.tables[name]
        before = facts.execute(select(table).order_by(*table.primary_key)).all()
        if not before:
            continue
        held += 1
        column = list(table.columns)[-1]
        statement = update(table).values({column.name: column}) if change == "update" else None
        with pytest.raises(DBAPIError, match="insert-only"), facts.begin_nested():
            facts.execute(statement if statement is not None else delete(table))
        assert facts.execute(select(table).order_by(*table.primary_key)).all() == before
    assert held >= 6, "this test needs rows to refuse"


def test_persons_are_known_only_to_a_few_tables() -> None:
    found = {
        table.name
        for table in Base.metadata.tables.values()
        for column in table.columns
        if PERSONAL.search(column.name)
    }
    assert found <= MAY_HOLD_PERSONS


def test_insert_only_tables_have_no_column_for_free_words_about_persons() -> None:
    found = [
        f"{name}.{column.name}"
        for name in INSERT_ONLY
        for column in Base.metadata.tables[name].columns
        if PERSONAL.search(column.name) or column.name in {"name", "buyer_name", "contact"}
    ]
    assert found == []


def templates() -> dict[str, str]:
    """Every template by its path."""
    return {
        name.removeprefix("templates/"): text
        for name, text in texts().items()
        if name.startswith("templates/") and name.endswith(".html")
    }


def test_templates_ask_no_database_and_decide_no_permission() -> None:
    asks = re.compile(r"\{[{%][^}]*?(\.query\b|session\.|\.scalars?\(|\.can\(|\.must\(|grants)")
    assert [name for name, text in templates().items() if asks.search(text)] == []


def test_templates_have_no_inline_styles_handlers_or_scripts_without_a_nonce() -> None:
    inline = re.compile(r"""<[^>]*\s(style\s*=|on[a-z]+\s*=\s*["'])""")
    bare = re.compile(r"<script(?![^>]*nonce)")
    found = [name for name, text in templates().items() if inline.search(text) or bare.search(text)]
    assert found == []


def test_every_form_that_posts_carries_its_token() -> None:
    """Either by the macro that makes forms, or by the hidden field itself."""
    posts = re.compile(r"""<form[^>]*method=["']post["'](.*?)</form>""", re.DOTALL | re.IGNORECASE)
    held = re.compile(r"csrf|hidden_tag|hidden_fields")
    found = [
        name
        for name, text in templates().items()
        if not name.startswith("macros/")
        for form in posts.findall(text)
        if not held.search(form)
    ]
    assert found == []


MACROS = re.compile(r"\s*(\{#.*?#\}\s*|\{%-? (from|import) .*?%\}\s*)*\{%-? macro ", re.DOTALL)


def test_every_page_extends_a_layout() -> None:
    """Fragments begin with an underscore; macros and layouts have folders of their own."""
    bare = [
        name
        for name, text in templates().items()
        if not name.startswith(("layouts/", "macros/"))
        and not Path(name).name.startswith("_")
        and not re.search(r"\{%-?\s*extends\s", text)
        and not re.match(
            r"\s*(\{#.*?#\}\s*|\{%-? (from|import) .*?%\}\s*)*\{%-? macro ", text, re.DOTALL
        )
    ]
    assert bare == []


def test_every_template_is_used() -> None:
    everything = "\n".join(
        text for name, text in texts().items() if name.endswith((".py", ".html"))
    )
    unused = [
        name
        for name in templates()
        if Path(name).name not in everything and f'"{Path(name).stem}"' not in everything
    ]
    assert unused == []


def test_no_sentence_has_a_percent_sign_that_templates_would_fill_in() -> None:
    """Jinja fills in every `%`; one that is meant is written twice."""
    lone = re.compile(r'(?m)^(?:msgid|msgstr|)\s*".*(?<!%)%(?![(%]).*"$')
    found = [
        said
        for name, text in texts().items()
        if name.endswith(".po")
        for said in lone.findall(text.replace("%%", ""))
    ]
    assert found == []


def counted(session: Session) -> dict[str, int]:
    """How many rows every table has."""
    return {
        name: session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in Base.metadata.tables.items()
    }


def test_reading_refuses_to_write(shared: Database) -> None:

    with shared.reading() as session:
        before = counted(session)
    with shared.reading() as session:
        session.add(CommandDone(key="k", content_digest="d", answer=1, done_at=NOW))
        with pytest.raises(DBAPIError):
            session.flush()
    with shared.reading() as session:
        assert counted(session) == before


def test_files_stay_short_enough_to_be_read() -> None:
    long = [name for name in code() if texts()[name].count("\n") > LONGEST.get(name, 520)]
    assert long == []


LONGEST = {"app/presentation.py": 900, "traceability/services/lots.py": 650}
"""Files whose parts nobody looks for elsewhere."""
