"""Pages of docs/generated: what the code itself knows best."""

from pathlib import Path

from app import create_app
from app.settings import read_settings
from foundation.db import open_database
from parties.people.permissions import ROLES, Can


def write_docs(folder: Path) -> list[Path]:
    """Write every generated page into `folder`; give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"routes.md": routes_page(), "permissions.md": permissions_page()}
    written = []
    for name, text in sorted(pages.items()):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def routes_page() -> str:
    """List every address with its methods and its guard."""
    settings = read_settings({"APP_ENV": "test", "DATA_DIR": "/nonexistent"})
    app = create_app(settings, open_database("sqlite:////nonexistent/never-opened.db"))
    lines = ["# Addresses", "", "| address | methods | guard |", "|---|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        guard = app.view_functions[rule.endpoint].__dict__.get("guard", "MISSING")
        lines.append(f"| `{rule.rule}` | {methods} | {guard} |")
    return "\n".join(lines) + "\n"


def permissions_page() -> str:
    """Show which role may do what."""
    roles = list(ROLES)
    head = ["permission", *(role.value for role in roles)]
    lines = ["# Permissions", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for can in Can:
        marks = ["x" if can in ROLES[role] else "" for role in roles]
        lines.append(f"| {can.value} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"
