"""Write the first migration anew from the tables as they are now.

Only for the time before the first release: from then on the schema moves by further migrations.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

HOUSE = Path(__file__).parents[1]
sys.path.insert(0, str(HOUSE))

import app.tables  # noqa: E402, F401 -- brings every table into Base.metadata
from app.migrate import alembic_config  # noqa: E402
from foundation.db import INSERT_ONLY, open_database  # noqa: E402

REVISION = "96b47889dc2c"
TARGET = HOUSE / "migrations" / "versions" / "20261123_1900_first_schema.py"
IMPORTS = "import foundation.db\nfrom foundation.db import PG_REFUSE, insert_only_ddl\n"
TRIGGERS = """
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(PG_REFUSE.replace("%%", "%"))
    for table in INSERT_ONLY:
        for statement, kind in insert_only_ddl(table):
            if kind == dialect:
                op.execute(statement)
"""
DROP = """
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change")
"""
ALEMBICS = re.compile(r"\n[ ]*# ### (?:commands auto generated|end Alembic)[^\n]*")


def generated() -> str:
    """Let Alembic write the migration from nothing to the present tables; give its text."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        database = open_database(f"sqlite:///{folder / 'empty.db'}")
        with database.transaction() as session:
            config = alembic_config(session.connection())
            config.set_main_option("version_locations", str(folder))
            script = command.revision(
                config,
                message="first schema",
                autogenerate=True,
                rev_id=REVISION,
                version_path=str(folder),
            )
        database.dispose()
        if script is None or isinstance(script, list):
            raise SystemExit("Alembic wrote something else than one migration")
        return Path(script.path).read_text(encoding="utf-8")


def with_triggers(text: str) -> str:
    """Add what Alembic does not see: the triggers of tables that are only ever added to."""
    tables = "".join(f'    "{name}",\n' for name in sorted(INSERT_ONLY))
    text = ALEMBICS.sub("", text)
    text = text.replace("import foundation.db\n", IMPORTS, 1)
    text = text.replace(
        "depends_on = None\n", f"depends_on = None\n\nINSERT_ONLY = (\n{tables})\n", 1
    )
    up, _, down = text.partition("\n\n\ndef downgrade() -> None:")
    return f"{up.rstrip()}\n{TRIGGERS}\n\ndef downgrade() -> None:{down.rstrip()}{DROP}"


def main() -> None:
    """Write the migration in place of the present one."""
    TARGET.write_text(with_triggers(generated()), encoding="utf-8")
    for arguments in (["check", "--quiet", "--fix-only"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, str(TARGET)], check=True)
    print(f"Wrote {TARGET.relative_to(HOUSE)}")


if __name__ == "__main__":
    main()
