"""epcis interface."""

import sqlalchemy as sa
from alembic import op

import foundation.db
from foundation.db import insert_only_ddl

revision = "7b9e24d1c0aa"
down_revision = "b1c7a52e9d04"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = foundation.db.Moment(timezone=True)
INSERT_ONLY = ("event_facts", "event_identifiers")
EVENT_COLUMNS = (
    ("event_uri", sa.String(length=200)),
    ("declared_at", MOMENT),
    ("event_hash", sa.String(length=100)),
    ("capture_job_id", sa.Uuid()),
    ("sent", sa.Text()),
)
TOUCHED = ("event_lots", "event_serials", "event_units")


def partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    # Columns are added one by one: a table made anew would lose its triggers on SQLite.
    for name, kind in EVENT_COLUMNS:
        op.add_column("trace_events", sa.Column(name, kind, nullable=True))
    op.add_column(
        "trace_events",
        sa.Column("public", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    for table in TOUCHED:
        op.add_column(table, sa.Column("field", sa.String(length=12), nullable=True))
    op.add_column("api_tokens", sa.Column("organisation_id", BIG, nullable=True))
    op.add_column(
        "api_tokens", sa.Column("scopes", sa.String(length=120), server_default="", nullable=False)
    )
    op.create_index("ix_api_tokens_organisation_id", "api_tokens", ["organisation_id"])
    op.create_index("ix_trace_events_read_point", "trace_events", ["read_point_id", "event_time"])
    op.create_index(
        "ix_trace_events_biz_location", "trace_events", ["biz_location_id", "event_time"]
    )
    op.create_index("ix_trace_events_recorded", "trace_events", ["record_time", "id"])
    partial(
        "uq_trace_events_event_uri",
        "trace_events",
        ["event_uri"],
        "declared_at IS NULL",
        unique=True,
    )
    op.create_index(
        "uq_trace_events_declaration", "trace_events", ["event_uri", "declared_at"], unique=True
    )
    partial("ix_trace_events_declared", "trace_events", ["declared_at"], "declared_at IS NOT NULL")

    op.create_table(
        "event_identifiers",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("canonical", sa.String(length=300), nullable=False),
        sa.Column("event_time", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_identifiers_event_id")
        ),
        sa.PrimaryKeyConstraint(
            "event_id", "field", "canonical", name=op.f("pk_event_identifiers")
        ),
    )
    op.create_index(
        "ix_event_identifiers_canonical", "event_identifiers", ["canonical", "field", "event_time"]
    )
    op.create_table(
        "event_facts",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("text", sa.String(length=240), nullable=True),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("moment", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_facts_event_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "line", name=op.f("pk_event_facts")),
    )
    for column in ("text", "number", "moment"):
        partial(
            f"ix_event_facts_{column}", "event_facts", ["path", column], f"{column} IS NOT NULL"
        )
    op.create_table(
        "epcis_words",
        sa.Column("organisation_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("word", sa.String(length=300), nullable=False),
        sa.Column("namespace", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_epcis_words_organisation_id")
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "kind", "word", "namespace", name=op.f("pk_epcis_words")
        ),
    )
    op.create_table(
        "master_attributes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organisation_id", BIG, nullable=False),
        sa.Column("vocabulary", sa.String(length=120), nullable=False),
        sa.Column("element", sa.String(length=300), nullable=False),
        sa.Column("attribute", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_master_attributes_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_master_attributes")),
        sa.UniqueConstraint(
            "organisation_id",
            "element",
            "attribute",
            "value",
            name=op.f("uq_master_attributes_organisation_id_element_attribute_value"),
        ),
    )
    op.create_index("ix_master_attributes_element", "master_attributes", ["element"])
    op.create_index("ix_master_attributes_value", "master_attributes", ["attribute", "value"])
    op.create_table(
        "capture_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=True),
        sa.Column("behaviour", sa.String(length=8), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("captured", sa.Integer(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "behaviour IN ('rollback', 'proceed')", name=op.f("ck_capture_jobs_behaviour")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_capture_jobs_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_jobs")),
    )
    op.create_index("ix_capture_jobs_mine", "capture_jobs", ["organisation_id", "id"])
    op.create_table(
        "named_queries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("owner", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_queries")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_named_queries_owner_name")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("query_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("organisation_id", BIG, nullable=True),
        sa.Column("dest", sa.String(length=500), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=True),
        sa.Column("schedule", sa.JSON(), nullable=True),
        sa.Column("report_if_empty", sa.Boolean(), nullable=False),
        sa.Column("epc_format", sa.String(length=30), nullable=False),
        sa.Column("initial_record_time", MOMENT, nullable=False),
        sa.Column("min_record_time", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_notified_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_subscriptions_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["query_id"], ["named_queries.id"], name=op.f("fk_subscriptions_query_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_query_id", "subscriptions", ["query_id"])
    partial("ix_subscriptions_due", "subscriptions", ["next_at"], "ended_at IS NULL")
    op.create_table(
        "reported_events",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_reported_events_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_reported_events_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("subscription_id", "event_id", name=op.f("pk_reported_events")),
    )
    op.create_table(
        "webhook_reports",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("dead_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_webhook_reports_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_reports")),
    )
    op.create_index("ix_webhook_reports_subscription_id", "webhook_reports", ["subscription_id"])
    partial(
        "ix_webhook_reports_waiting",
        "webhook_reports",
        ["next_at"],
        "done_at IS NULL AND dead_at IS NULL",
    )

    dialect = op.get_bind().dialect.name
    for table in INSERT_ONLY:
        for statement, kind in insert_only_ddl(table):
            if kind == dialect:
                op.execute(statement)


def downgrade() -> None:
    for table in (
        "webhook_reports",
        "reported_events",
        "subscriptions",
        "named_queries",
        "capture_jobs",
        "master_attributes",
        "epcis_words",
        "event_facts",
        "event_identifiers",
    ):
        op.drop_table(table)
    for index in ("declared", "recorded", "biz_location", "read_point"):
        op.drop_index(f"ix_trace_events_{index}", table_name="trace_events")
    for index in ("declaration", "event_uri"):
        op.drop_index(f"uq_trace_events_{index}", table_name="trace_events")
    op.drop_index("ix_api_tokens_organisation_id", table_name="api_tokens")
    for table, column in (
        ("api_tokens", "scopes"),
        ("api_tokens", "organisation_id"),
        *((table, "field") for table in TOUCHED),
        ("trace_events", "public"),
        *(("trace_events", name) for name, _kind in reversed(EVENT_COLUMNS)),
    ):
        op.drop_column(table, column)
