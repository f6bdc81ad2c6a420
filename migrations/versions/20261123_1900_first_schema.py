"""first schema."""

import sqlalchemy as sa
from alembic import op

import foundation.db
from foundation.db import PG_REFUSE, insert_only_ddl

revision = "96b47889dc2c"
down_revision = None
branch_labels = None
depends_on = None

INSERT_ONLY = (
    "audit_entries",
    "event_certificates",
    "event_lots",
    "event_serials",
    "event_units",
    "outlet_status_changes",
    "prices",
    "sale_lines",
    "sales",
    "stock_moves",
    "tenders",
    "trace_events",
    "transfers",
)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("disabled_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_accounts_language")),
        sa.CheckConstraint(
            "email IS NOT NULL OR phone IS NOT NULL", name=op.f("ck_accounts_email_or_phone")
        ),
        sa.CheckConstraint(
            "failures >= 0 AND session_version > 0", name=op.f("ck_accounts_counters")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_accounts_phone")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("object_type", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=60), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_entries_object", ["object_type", "object_id"], unique=False)

    op.create_table(
        "categories",
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=30), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("illustration", sa.String(length=40), nullable=False),
        sa.Column("ground", sa.String(length=10), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_table(
        "commands_done",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content_digest", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("done_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_commands_done")),
    )
    op.create_table(
        "compliance_classes",
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("must", sa.JSON(), nullable=False),
        sa.Column("retail", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_compliance_classes")),
    )
    op.create_table(
        "counties",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(length=30), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("short_zh", sa.String(length=10), nullable=False),
        sa.Column("short_en", sa.String(length=30), nullable=False),
        sa.Column("plan_class", sa.String(length=20), nullable=False),
        sa.Column("specialities", sa.JSON(), nullable=False),
        sa.Column("map_order", sa.Integer(), nullable=False),
        sa.Column("shape", sa.String(length=4000), nullable=False),
        sa.Column("label_x", sa.Integer(), nullable=False),
        sa.Column("label_y", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_counties")),
    )
    op.create_table(
        "dirty_cells",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("marked_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("business_date", "place_id", name=op.f("pk_dirty_cells")),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("code", name=op.f("uq_ledger_accounts_code")),
    )
    with op.batch_alter_table("ledger_accounts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_accounts_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target", sa.String(length=254), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("code_hash", sa.String(length=128), nullable=False),
        sa.Column("sent_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("expires_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    with op.batch_alter_table("one_time_codes", schema=None) as batch_op:
        batch_op.create_index("ix_one_time_codes_target", ["target", "purpose"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("told_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("next_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("dead_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_waiting",
            ["next_at", "id"],
            unique=False,
            sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        )

    op.create_table(
        "plan_periods",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_periods")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_plan_periods_code_version")),
    )
    op.create_table(
        "provider_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("received_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint(
            "provider", "event_id", name=op.f("uq_provider_events_provider_event_id")
        ),
    )
    op.create_table(
        "regions",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("site_zh", sa.String(length=60), nullable=False),
        sa.Column("site_en", sa.String(length=60), nullable=False),
        sa.Column("view_box", sa.String(length=60), nullable=False),
        sa.Column("map_note_zh", sa.String(length=100), nullable=False),
        sa.Column("map_note_en", sa.String(length=200), nullable=False),
        sa.Column("default_outlet_code", sa.String(length=12), nullable=False),
        sa.Column("gs1_prefix", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_regions")),
    )
    op.create_table(
        "return_policies",
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=240), nullable=False),
        sa.Column("confirm", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_return_policies")),
    )
    op.create_table(
        "sales_cells",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("category_code", sa.String(length=20), nullable=False),
        sa.Column("origin_county", sa.String(length=6), nullable=False),
        sa.Column("outlet_county", sa.String(length=6), nullable=True),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("sales", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.PrimaryKeyConstraint(
            "business_date", "place_id", "sku_id", "channel", name=op.f("pk_sales_cells")
        ),
    )
    with op.batch_alter_table("sales_cells", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sales_cells_county_day", ["origin_county", "business_date"], unique=False
        )
        batch_op.create_index(
            "ix_sales_cells_supplier_day", ["supplier_id", "business_date"], unique=False
        )

    op.create_table(
        "sent_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("wanted_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("sent_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f("ck_sent_messages_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_messages")),
    )
    with op.batch_alter_table("sent_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sent_messages_target"), ["target"], unique=False)
        batch_op.create_index(batch_op.f("ix_sent_messages_wanted_at"), ["wanted_at"], unique=False)

    op.create_table(
        "sscc_series",
        sa.Column("gs1_prefix", sa.String(length=12), nullable=False),
        sa.Column("last_reference", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gs1_prefix", name=op.f("pk_sscc_series")),
    )
    op.create_table(
        "trace_templates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_templates")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_trace_templates_code_version")),
    )
    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("province", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=30), nullable=False),
        sa.Column("district", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=120), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_addresses_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
    )
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_addresses_account_id"), ["account_id"], unique=False)

    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("last_used_on", sa.String(length=10), nullable=True),
        sa.Column("revoked_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_api_tokens_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_account_id"), ["account_id"], unique=False)

    op.create_table(
        "plan_targets",
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan_periods.id"], name=op.f("fk_plan_targets_plan_id")
        ),
        sa.PrimaryKeyConstraint("plan_id", "tier", name=op.f("pk_plan_targets")),
    )
    op.create_table(
        "role_grants",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column("granted_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("revoked_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role <> 'county_official' OR county_code IS NOT NULL",
            name=op.f("ck_role_grants_official_has_county"),
        ),
        sa.CheckConstraint(
            "role NOT IN ('outlet_manager', 'counter_clerk') OR place_id IS NOT NULL",
            name=op.f("ck_role_grants_counter_has_place"),
        ),
        sa.CheckConstraint(
            "role NOT IN ('supplier_owner', 'supplier_clerk') OR organisation_id IS NOT NULL",
            name=op.f("ck_role_grants_supplier_has_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_role_grants_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grants")),
    )
    with op.batch_alter_table("role_grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_grants_account_id"), ["account_id"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("session_version", sa.Integer(), nullable=False),
        sa.Column("began_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("until", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("ended_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sign_ins_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_account_id"), ["account_id"], unique=False)

    op.create_table(
        "towns",
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column("county_code", sa.String(length=6), nullable=False),
        sa.Column("name_zh", sa.String(length=30), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["county_code"], ["counties.code"], name=op.f("fk_towns_county_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_towns")),
    )
    with op.batch_alter_table("towns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_towns_county_code"), ["county_code"], unique=False)

    op.create_table(
        "transfers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("debit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "credit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "amount_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("cause_type", sa.String(length=12), nullable=False),
        sa.Column("cause_id", sa.String(length=60), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", foundation.db.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_transfers_amount_positive")),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_transfers_two_accounts")),
        sa.ForeignKeyConstraint(
            ["credit_id"], ["ledger_accounts.id"], name=op.f("fk_transfers_credit_id")
        ),
        sa.ForeignKeyConstraint(
            ["debit_id"], ["ledger_accounts.id"], name=op.f("fk_transfers_debit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.create_index("ix_transfers_cause", ["cause_type", "cause_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfers_credit_id"), ["credit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfers_debit_id"), ["debit_id"], unique=False)

    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("short_zh", sa.String(length=30), nullable=False),
        sa.Column("short_en", sa.String(length=60), nullable=False),
        sa.Column("story_zh", sa.String(length=600), nullable=False),
        sa.Column("story_en", sa.String(length=1200), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column("town_code", sa.String(length=9), nullable=True),
        sa.Column("food_licence", sa.String(length=20), nullable=True),
        sa.Column("member_households", sa.Integer(), nullable=False),
        sa.Column("linked_households", sa.Integer(), nullable=False),
        sa.Column("aid_mechanisms", sa.JSON(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["county_code"], ["counties.code"], name=op.f("fk_organisations_county_code")
        ),
        sa.ForeignKeyConstraint(
            ["town_code"], ["towns.code"], name=op.f("fk_organisations_town_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
        sa.UniqueConstraint("uscc", name=op.f("uq_organisations_uscc")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_organisations_county_code"), ["county_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_organisations_role"), ["role"], unique=False)

    op.create_table(
        "places",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gln", sa.String(length=13), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column("town_code", sa.String(length=9), nullable=True),
        sa.Column("address_zh", sa.String(length=120), nullable=False),
        sa.Column("address_en", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "gln IS NOT NULL OR kind = 'transit'", name=op.f("ck_places_gln_unless_transit")
        ),
        sa.ForeignKeyConstraint(
            ["county_code"], ["counties.code"], name=op.f("fk_places_county_code")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_places_organisation_id")
        ),
        sa.ForeignKeyConstraint(["town_code"], ["towns.code"], name=op.f("fk_places_town_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
        sa.UniqueConstraint("gln", name=op.f("uq_places_gln")),
    )
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_places_kind"), ["kind"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_places_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column(
            "supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("county_code", sa.String(length=6), nullable=False),
        sa.Column("category_code", sa.String(length=20), nullable=False),
        sa.Column("compliance_code", sa.String(length=20), nullable=False),
        sa.Column("return_code", sa.String(length=20), nullable=False),
        sa.Column("trace_template", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("retail_visible", sa.Boolean(), nullable=False),
        sa.Column("brand_zh", sa.String(length=40), nullable=False),
        sa.Column("brand_en", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("summary_zh", sa.String(length=200), nullable=False),
        sa.Column("summary_en", sa.String(length=400), nullable=False),
        sa.Column("description_zh", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.Column("ingredients_zh", sa.String(length=200), nullable=False),
        sa.Column("ingredients_en", sa.String(length=400), nullable=False),
        sa.Column("storage_zh", sa.String(length=100), nullable=False),
        sa.Column("storage_en", sa.String(length=200), nullable=False),
        sa.Column("storage_class", sa.String(length=10), nullable=False),
        sa.Column("origin_zh", sa.String(length=100), nullable=False),
        sa.Column("origin_en", sa.String(length=200), nullable=False),
        sa.Column("standard", sa.String(length=60), nullable=False),
        sa.Column("shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("season_months", sa.JSON(), nullable=False),
        sa.Column("faq", sa.JSON(), nullable=False),
        sa.Column("illustration", sa.String(length=40), nullable=False),
        sa.Column("ground", sa.String(length=10), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("published_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'unpublished')", name=op.f("ck_products_status")
        ),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_products_category_code")
        ),
        sa.ForeignKeyConstraint(
            ["compliance_code"],
            ["compliance_classes.code"],
            name=op.f("fk_products_compliance_code"),
        ),
        sa.ForeignKeyConstraint(
            ["county_code"], ["counties.code"], name=op.f("fk_products_county_code")
        ),
        sa.ForeignKeyConstraint(
            ["return_code"], ["return_policies.code"], name=op.f("fk_products_return_code")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisations.id"], name=op.f("fk_products_supplier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("code", name=op.f("uq_products_code")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_products_category_code"), ["category_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_products_county_code"), ["county_code"], unique=False)
        batch_op.create_index(
            "ix_products_listing", ["status", "retail_visible", "category_code"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_products_supplier_id"), ["supplier_id"], unique=False)

    op.create_table(
        "assortments",
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_assortments_place_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_assortments_product_id")
        ),
        sa.PrimaryKeyConstraint("place_id", "product_id", name=op.f("pk_assortments")),
    )
    op.create_table(
        "certificates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("issuer_zh", sa.String(length=80), nullable=False),
        sa.Column("issuer_en", sa.String(length=120), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("file_key", sa.String(length=80), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_certificates_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_certificates_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_number"), ["number"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_certificates_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificates_product_id"), ["product_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_certificates_valid_to"), ["valid_to"], unique=False)

    op.create_table(
        "outlets",
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=True),
        sa.Column("county_code", sa.String(length=6), nullable=True),
        sa.Column(
            "operator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("counter_type", sa.String(length=10), nullable=True),
        sa.Column("venue", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("hours", sa.String(length=40), nullable=False),
        sa.Column("story_zh", sa.String(length=600), nullable=False),
        sa.Column("story_en", sa.String(length=1200), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("mode IN ('online', 'offline')", name=op.f("ck_outlets_mode")),
        sa.CheckConstraint(
            "status IN ('planned', 'open', 'paused', 'closed')", name=op.f("ck_outlets_status")
        ),
        sa.ForeignKeyConstraint(
            ["county_code"], ["counties.code"], name=op.f("fk_outlets_county_code")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["organisations.id"], name=op.f("fk_outlets_operator_id")
        ),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_outlets_place_id")),
        sa.PrimaryKeyConstraint("place_id", name=op.f("pk_outlets")),
        sa.UniqueConstraint("code", name=op.f("uq_outlets_code")),
        sa.UniqueConstraint("slug", name=op.f("uq_outlets_slug")),
    )
    with op.batch_alter_table("outlets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outlets_county_code"), ["county_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_outlets_operator_id"), ["operator_id"], unique=False)
        batch_op.create_index("ix_outlets_tier_status", ["tier", "status"], unique=False)

    op.create_table(
        "sales",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content_digest", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("order_ref", sa.String(length=40), nullable=True),
        sa.Column("sold_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("recorded_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("channel IN ('counter', 'online')", name=op.f("ck_sales_channel")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_sales_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
        sa.UniqueConstraint("key", name=op.f("uq_sales_key")),
        sa.UniqueConstraint("number", name=op.f("uq_sales_number")),
    )
    with op.batch_alter_table("sales", schema=None) as batch_op:
        batch_op.create_index("ix_sales_day", ["business_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_sales_order_ref"), ["order_ref"], unique=False)
        batch_op.create_index("ix_sales_place_day", ["place_id", "business_date"], unique=False)

    op.create_table(
        "shipments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column(
            "from_place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "to_place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "transit_place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("waybill_no", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("shipped_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("received_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_place_id"], ["places.id"], name=op.f("fk_shipments_from_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_shipments_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_place_id"], ["places.id"], name=op.f("fk_shipments_to_place_id")
        ),
        sa.ForeignKeyConstraint(
            ["transit_place_id"], ["places.id"], name=op.f("fk_shipments_transit_place_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
        sa.UniqueConstraint("key", name=op.f("uq_shipments_key")),
        sa.UniqueConstraint("number", name=op.f("uq_shipments_number")),
    )
    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_shipments_from_place_id"), ["from_place_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_shipments_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_shipments_to_place_id"), ["to_place_id"], unique=False)

    op.create_table(
        "skus",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("raw", sa.Boolean(), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("spec_zh", sa.String(length=40), nullable=False),
        sa.Column("spec_en", sa.String(length=80), nullable=False),
        sa.Column("net_content", sa.Integer(), nullable=True),
        sa.Column("net_unit", sa.String(length=6), nullable=False),
        sa.Column("base_unit", sa.String(length=6), nullable=False),
        sa.Column("tracking", sa.String(length=8), nullable=False),
        sa.Column("stock_policy", sa.String(length=14), nullable=False),
        sa.Column("tax_class", sa.String(length=12), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("material_per_unit", sa.Integer(), nullable=True),
        sa.Column("units_per_case", sa.Integer(), nullable=False),
        sa.Column("kit", sa.JSON(), nullable=False),
        sa.Column("price_fen", sa.Integer(), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.CheckConstraint("base_unit IN ('piece', 'g', 'mL')", name=op.f("ck_skus_base_unit")),
        sa.CheckConstraint(
            "stock_policy IN ('stocked', 'made_to_order', 'kit')", name=op.f("ck_skus_stock_policy")
        ),
        sa.CheckConstraint("tracking IN ('serial', 'lot', 'none')", name=op.f("ck_skus_tracking")),
        sa.CheckConstraint("price_fen >= 0", name=op.f("ck_skus_price_not_negative")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_skus_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skus")),
        sa.UniqueConstraint("code", name=op.f("uq_skus_code")),
        sa.UniqueConstraint("gtin", name=op.f("uq_skus_gtin")),
    )
    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_skus_product_id"), ["product_id"], unique=False)

    op.create_table(
        "trace_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=True),
        sa.Column("biz_step", sa.String(length=40), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("event_time", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("record_time", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column(
            "read_point_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "biz_location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("template_step", sa.String(length=30), nullable=True),
        sa.Column("transaction_ref", sa.String(length=80), nullable=True),
        sa.Column("capture_key", sa.String(length=80), nullable=True),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["biz_location_id"], ["places.id"], name=op.f("fk_trace_events_biz_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_trace_events_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["read_point_id"], ["places.id"], name=op.f("fk_trace_events_read_point_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_events")),
        sa.UniqueConstraint("capture_key", name=op.f("uq_trace_events_capture_key")),
    )
    with op.batch_alter_table("trace_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trace_events_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_trace_events_step", ["biz_step", "event_time"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_trace_events_transaction_ref"), ["transaction_ref"], unique=False
        )
        batch_op.create_index("ix_trace_events_when", ["event_time"], unique=False)

    op.create_table(
        "carts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("outlet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("touched_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_carts_account_id")),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlets.place_id"], name=op.f("fk_carts_outlet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sa.UniqueConstraint("account_id", name=op.f("uq_carts_account_id")),
    )
    op.create_table(
        "event_certificates",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "certificate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["certificates.id"],
            name=op.f("fk_event_certificates_certificate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_certificates_event_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "certificate_id", name=op.f("pk_event_certificates")),
    )
    with op.batch_alter_table("event_certificates", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_event_certificates_certificate_id"), ["certificate_id"], unique=False
        )

    op.create_table(
        "lots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_no", sa.String(length=20), nullable=False),
        sa.Column(
            "organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("template", sa.String(length=20), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("produced_on", sa.Date(), nullable=True),
        sa.Column("best_before", sa.Date(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("next_serial", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_lots_organisation_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_lots_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lots")),
        sa.UniqueConstraint("sku_id", "lot_no", name=op.f("uq_lots_sku_id_lot_no")),
    )
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lots_best_before"), ["best_before"], unique=False)
        batch_op.create_index(batch_op.f("ix_lots_lot_no"), ["lot_no"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_lots_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("content_digest", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "outlet_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("ship_to_province", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("goods_fen", sa.Integer(), nullable=False),
        sa.Column("shipping_fen", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.Column("placed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("pay_by", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("paid_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("closed_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending_payment', 'paid', 'completed', 'cancelled', 'refunded')",
            name=op.f("ck_orders_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_orders_account_id")),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlets.place_id"], name=op.f("fk_orders_outlet_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("key", name=op.f("uq_orders_key")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_account", ["account_id", "placed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_outlet_id"), ["outlet_id"], unique=False)
        batch_op.create_index("ix_orders_state", ["state", "pay_by"], unique=False)

    op.create_table(
        "outlet_status_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["place_id"], ["outlets.place_id"], name=op.f("fk_outlet_status_changes_place_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlet_status_changes")),
    )
    with op.batch_alter_table("outlet_status_changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outlet_status_changes_place_id"), ["place_id"], unique=False
        )

    op.create_table(
        "prices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_from", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_prices_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint("sku_id", "version", name=op.f("uq_prices_sku_id_version")),
    )
    op.create_table(
        "tenders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("received_fen", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "kind IN ('cash', 'shop_qr', 'voucher', 'stripe')", name=op.f("ck_tenders_kind")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_tenders_amount_positive")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_tenders_sale_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenders")),
    )
    with op.batch_alter_table("tenders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tenders_sale_id"), ["sale_id"], unique=False)

    op.create_table(
        "cart_lines",
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_price_fen", sa.Integer(), nullable=False),
        sa.Column("added_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_cart_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_cart_lines_cart_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_cart_lines_sku_id")),
        sa.PrimaryKeyConstraint("cart_id", "sku_id", name=op.f("pk_cart_lines")),
    )
    op.create_table(
        "event_lots",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("whole_lot", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_lots_event_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_event_lots_lot_id")),
        sa.PrimaryKeyConstraint("event_id", "lot_id", "role", name=op.f("pk_event_lots")),
    )
    with op.batch_alter_table("event_lots", schema=None) as batch_op:
        batch_op.create_index("ix_event_lots_lot", ["lot_id", "event_id"], unique=False)

    op.create_table(
        "label_prints",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_serial", sa.String(length=20), nullable=False),
        sa.Column("last_serial", sa.String(length=20), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(length=20), nullable=False),
        sa.Column("printed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_label_prints_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_prints")),
    )
    with op.batch_alter_table("label_prints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_prints_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "logistic_units",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sscc", sa.String(length=18), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("packed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_logistic_units_lot_id")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_logistic_units_place_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logistic_units")),
        sa.UniqueConstraint("sscc", name=op.f("uq_logistic_units_sscc")),
    )
    with op.batch_alter_table("logistic_units", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logistic_units_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_logistic_units_place_id"), ["place_id"], unique=False)

    op.create_table(
        "order_contacts",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("province", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=30), nullable=False),
        sa.Column("district", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_contacts_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_contacts")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("payment_ref", sa.String(length=120), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("expires_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("look_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("paid_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("refunded_fen", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'paid', 'expired', 'refund_due', 'refunded')",
            name=op.f("ck_payments_state"),
        ),
        sa.CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= paid_fen",
            name=op.f("ck_payments_refunds_within_paid"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "provider", "external_id", name=op.f("uq_payments_provider_external_id")
        ),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payments_open",
            ["look_at"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index("ix_payments_order", ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payments_payment_ref"), ["payment_ref"], unique=False)

    op.create_table(
        "recalls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason_zh", sa.String(length=300), nullable=False),
        sa.Column("reason_en", sa.String(length=600), nullable=False),
        sa.Column("opened_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("opened_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_recalls_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
        sa.UniqueConstraint("number", name=op.f("uq_recalls_number")),
    )
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recalls_lot_id"), ["lot_id"], unique=False)

    op.create_table(
        "reservations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("expires_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'allocated', 'released', 'used')", name=op.f("ck_reservations_state")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_reservations_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_reservations_place_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_reservations_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reservations_expiring",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )
        batch_op.create_index("ix_reservations_owner", ["owner"], unique=False)

    op.create_table(
        "stock_balances",
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_balances_on_hand_not_negative")),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved <= on_hand",
            name=op.f("ck_stock_balances_reserved_within_on_hand"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_stock_balances_lot_id")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["places.id"], name=op.f("fk_stock_balances_place_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_stock_balances_sku_id")),
        sa.PrimaryKeyConstraint("place_id", "lot_id", name=op.f("pk_stock_balances")),
    )
    with op.batch_alter_table("stock_balances", schema=None) as batch_op:
        batch_op.create_index("ix_stock_balances_sku_place", ["sku_id", "place_id"], unique=False)

    op.create_table(
        "stock_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("moved_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.CheckConstraint("quantity <> 0", name=op.f("ck_stock_moves_quantity_not_zero")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_stock_moves_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_stock_moves_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_moves")),
    )
    with op.batch_alter_table("stock_moves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stock_moves_event_id"), ["event_id"], unique=False)
        batch_op.create_index("ix_stock_moves_lot_place", ["lot_id", "place_id"], unique=False)

    op.create_table(
        "sub_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column(
            "supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=18), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("goods_fen", sa.Integer(), nullable=False),
        sa.Column("shipping_fen", sa.Integer(), nullable=False),
        sa.Column("refunded_fen", sa.Integer(), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("waybill_no", sa.String(length=40), nullable=False),
        sa.Column("shipped_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("received_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.Column("sale_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending_payment', 'awaiting_shipment', 'shipped', 'received', 'cancelled', 'refunded')",
            name=op.f("ck_sub_orders_state"),
        ),
        sa.CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= goods_fen + shipping_fen",
            name=op.f("ck_sub_orders_refunded_within"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_sub_orders_order_id")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_sub_orders_sale_id")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisations.id"], name=op.f("fk_sub_orders_supplier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sub_orders")),
        sa.UniqueConstraint(
            "order_id", "supplier_id", name=op.f("uq_sub_orders_order_id_supplier_id")
        ),
    )
    with op.batch_alter_table("sub_orders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sub_orders_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_sub_orders_shipped", ["state", "shipped_at"], unique=False)
        batch_op.create_index("ix_sub_orders_supplier", ["supplier_id", "state"], unique=False)

    op.create_table(
        "event_units",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_units_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["logistic_units.id"], name=op.f("fk_event_units_unit_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "unit_id", name=op.f("pk_event_units")),
    )
    with op.batch_alter_table("event_units", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_units_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sub_order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("spec_zh", sa.String(length=40), nullable=False),
        sa.Column("spec_en", sa.String(length=80), nullable=False),
        sa.Column("return_code", sa.String(length=20), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_fen", sa.Integer(), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_order_lines_sku_id")),
        sa.ForeignKeyConstraint(
            ["sub_order_id"], ["sub_orders.id"], name=op.f("fk_order_lines_sub_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
    )
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_lines_product_id"), ["product_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_order_lines_sub_order_id"), ["sub_order_id"], unique=False
        )

    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sub_order_id", sa.Uuid(), nullable=True),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=80), nullable=False),
        sa.Column("asked_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("next_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("done_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'succeeded', 'failed')", name=op.f("ck_refunds_state")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")
        ),
        sa.ForeignKeyConstraint(
            ["sub_order_id"], ["sub_orders.id"], name=op.f("fk_refunds_sub_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("key", name=op.f("uq_refunds_key")),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index(
            "ix_refunds_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )
        batch_op.create_index(batch_op.f("ix_refunds_external_id"), ["external_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refunds_payment_id"), ["payment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refunds_sub_order_id"), ["sub_order_id"], unique=False)

    op.create_table(
        "serials",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.CheckConstraint(
            "state IN ('commissioned', 'in_transit', 'on_shelf', 'sold', 'returned', 'used', 'destroyed')",
            name=op.f("ck_serials_state"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_serials_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_serials_place_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_serials_sku_id")),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["logistic_units.id"], name=op.f("fk_serials_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serials")),
        sa.UniqueConstraint("sku_id", "serial", name=op.f("uq_serials_sku_id_serial")),
    )
    with op.batch_alter_table("serials", schema=None) as batch_op:
        batch_op.create_index("ix_serials_lot_place", ["lot_id", "place_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_serials_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "event_serials",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "serial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["trace_events.id"], name=op.f("fk_event_serials_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["serial_id"], ["serials.id"], name=op.f("fk_event_serials_serial_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "serial_id", name=op.f("pk_event_serials")),
    )
    with op.batch_alter_table("event_serials", schema=None) as batch_op:
        batch_op.create_index("ix_event_serials_serial", ["serial_id"], unique=False)

    op.create_table(
        "holds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("serial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("note_zh", sa.String(length=200), nullable=False),
        sa.Column("note_en", sa.String(length=400), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", foundation.db.Moment(timezone=True), nullable=False),
        sa.Column("released_at", foundation.db.Moment(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(CASE WHEN lot_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN serial_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN place_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_holds_one_target"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_holds_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_holds_place_id")),
        sa.ForeignKeyConstraint(["serial_id"], ["serials.id"], name=op.f("fk_holds_serial_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holds_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_holds_serial_id"), ["serial_id"], unique=False)

    op.create_table(
        "sale_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("serial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_fen", sa.Integer(), nullable=False),
        sa.Column("list_price_fen", sa.Integer(), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("lot_certainty", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "lot_certainty IN ('scanned', 'chosen', 'inferred')",
            name=op.f("ck_sale_lines_lot_certainty"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sale_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.id"], name=op.f("fk_sale_lines_lot_id")),
        sa.ForeignKeyConstraint(["sale_id"], ["sales.id"], name=op.f("fk_sale_lines_sale_id")),
        sa.ForeignKeyConstraint(
            ["serial_id"], ["serials.id"], name=op.f("fk_sale_lines_serial_id")
        ),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.id"], name=op.f("fk_sale_lines_sku_id")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["organisations.id"], name=op.f("fk_sale_lines_supplier_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_lines")),
    )
    with op.batch_alter_table("sale_lines", schema=None) as batch_op:
        batch_op.create_index("ix_sale_lines_lot", ["lot_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sale_lines_sale_id"), ["sale_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sale_lines_serial_id"), ["serial_id"], unique=False)

    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(PG_REFUSE.replace("%%", "%"))
    for table in INSERT_ONLY:
        for statement, kind in insert_only_ddl(table):
            if kind == dialect:
                op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("sale_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sale_lines_serial_id"))
        batch_op.drop_index(batch_op.f("ix_sale_lines_sale_id"))
        batch_op.drop_index("ix_sale_lines_lot")

    op.drop_table("sale_lines")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holds_serial_id"))
        batch_op.drop_index(batch_op.f("ix_holds_place_id"))
        batch_op.drop_index(batch_op.f("ix_holds_lot_id"))

    op.drop_table("holds")
    with op.batch_alter_table("event_serials", schema=None) as batch_op:
        batch_op.drop_index("ix_event_serials_serial")

    op.drop_table("event_serials")
    with op.batch_alter_table("serials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_serials_unit_id"))
        batch_op.drop_index("ix_serials_lot_place")

    op.drop_table("serials")
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refunds_sub_order_id"))
        batch_op.drop_index(batch_op.f("ix_refunds_payment_id"))
        batch_op.drop_index(batch_op.f("ix_refunds_external_id"))
        batch_op.drop_index(
            "ix_refunds_due",
            sqlite_where=sa.text("state = 'due'"),
            postgresql_where=sa.text("state = 'due'"),
        )

    op.drop_table("refunds")
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_lines_sub_order_id"))
        batch_op.drop_index(batch_op.f("ix_order_lines_product_id"))

    op.drop_table("order_lines")
    with op.batch_alter_table("event_units", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_units_unit_id"))

    op.drop_table("event_units")
    with op.batch_alter_table("sub_orders", schema=None) as batch_op:
        batch_op.drop_index("ix_sub_orders_supplier")
        batch_op.drop_index("ix_sub_orders_shipped")
        batch_op.drop_index(batch_op.f("ix_sub_orders_order_id"))

    op.drop_table("sub_orders")
    with op.batch_alter_table("stock_moves", schema=None) as batch_op:
        batch_op.drop_index("ix_stock_moves_lot_place")
        batch_op.drop_index(batch_op.f("ix_stock_moves_event_id"))

    op.drop_table("stock_moves")
    with op.batch_alter_table("stock_balances", schema=None) as batch_op:
        batch_op.drop_index("ix_stock_balances_sku_place")

    op.drop_table("stock_balances")
    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.drop_index("ix_reservations_owner")
        batch_op.drop_index(
            "ix_reservations_expiring",
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )

    op.drop_table("reservations")
    with op.batch_alter_table("recalls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recalls_lot_id"))

    op.drop_table("recalls")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payments_payment_ref"))
        batch_op.drop_index("ix_payments_order")
        batch_op.drop_index(
            "ix_payments_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.drop_table("payments")
    op.drop_table("order_contacts")
    with op.batch_alter_table("logistic_units", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_logistic_units_place_id"))
        batch_op.drop_index(batch_op.f("ix_logistic_units_lot_id"))

    op.drop_table("logistic_units")
    with op.batch_alter_table("label_prints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_prints_lot_id"))

    op.drop_table("label_prints")
    with op.batch_alter_table("event_lots", schema=None) as batch_op:
        batch_op.drop_index("ix_event_lots_lot")

    op.drop_table("event_lots")
    op.drop_table("cart_lines")
    with op.batch_alter_table("tenders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tenders_sale_id"))

    op.drop_table("tenders")
    op.drop_table("prices")
    with op.batch_alter_table("outlet_status_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outlet_status_changes_place_id"))

    op.drop_table("outlet_status_changes")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_state")
        batch_op.drop_index(batch_op.f("ix_orders_outlet_id"))
        batch_op.drop_index("ix_orders_account")

    op.drop_table("orders")
    with op.batch_alter_table("lots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lots_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_lots_lot_no"))
        batch_op.drop_index(batch_op.f("ix_lots_best_before"))

    op.drop_table("lots")
    with op.batch_alter_table("event_certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_certificates_certificate_id"))

    op.drop_table("event_certificates")
    op.drop_table("carts")
    with op.batch_alter_table("trace_events", schema=None) as batch_op:
        batch_op.drop_index("ix_trace_events_when")
        batch_op.drop_index(batch_op.f("ix_trace_events_transaction_ref"))
        batch_op.drop_index("ix_trace_events_step")
        batch_op.drop_index(batch_op.f("ix_trace_events_organisation_id"))

    op.drop_table("trace_events")
    with op.batch_alter_table("skus", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_skus_product_id"))

    op.drop_table("skus")
    with op.batch_alter_table("shipments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_shipments_to_place_id"))
        batch_op.drop_index(batch_op.f("ix_shipments_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_shipments_from_place_id"))

    op.drop_table("shipments")
    with op.batch_alter_table("sales", schema=None) as batch_op:
        batch_op.drop_index("ix_sales_place_day")
        batch_op.drop_index(batch_op.f("ix_sales_order_ref"))
        batch_op.drop_index("ix_sales_day")

    op.drop_table("sales")
    with op.batch_alter_table("outlets", schema=None) as batch_op:
        batch_op.drop_index("ix_outlets_tier_status")
        batch_op.drop_index(batch_op.f("ix_outlets_operator_id"))
        batch_op.drop_index(batch_op.f("ix_outlets_county_code"))

    op.drop_table("outlets")
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_valid_to"))
        batch_op.drop_index(batch_op.f("ix_certificates_product_id"))
        batch_op.drop_index(batch_op.f("ix_certificates_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_certificates_number"))

    op.drop_table("certificates")
    op.drop_table("assortments")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_products_supplier_id"))
        batch_op.drop_index("ix_products_listing")
        batch_op.drop_index(batch_op.f("ix_products_county_code"))
        batch_op.drop_index(batch_op.f("ix_products_category_code"))

    op.drop_table("products")
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_places_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_places_kind"))

    op.drop_table("places")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisations_role"))
        batch_op.drop_index(batch_op.f("ix_organisations_county_code"))

    op.drop_table("organisations")
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transfers_debit_id"))
        batch_op.drop_index(batch_op.f("ix_transfers_credit_id"))
        batch_op.drop_index("ix_transfers_cause")

    op.drop_table("transfers")
    with op.batch_alter_table("towns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_towns_county_code"))

    op.drop_table("towns")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_ins_account_id"))

    op.drop_table("sign_ins")
    with op.batch_alter_table("role_grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_grants_account_id"))

    op.drop_table("role_grants")
    op.drop_table("plan_targets")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_account_id"))

    op.drop_table("api_tokens")
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_addresses_account_id"))

    op.drop_table("addresses")
    op.drop_table("trace_templates")
    op.drop_table("sscc_series")
    with op.batch_alter_table("sent_messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sent_messages_wanted_at"))
        batch_op.drop_index(batch_op.f("ix_sent_messages_target"))

    op.drop_table("sent_messages")
    with op.batch_alter_table("sales_cells", schema=None) as batch_op:
        batch_op.drop_index("ix_sales_cells_supplier_day")
        batch_op.drop_index("ix_sales_cells_county_day")

    op.drop_table("sales_cells")
    op.drop_table("return_policies")
    op.drop_table("regions")
    op.drop_table("provider_events")
    op.drop_table("plan_periods")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_waiting",
            sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
        )

    op.drop_table("outbox")
    with op.batch_alter_table("one_time_codes", schema=None) as batch_op:
        batch_op.drop_index("ix_one_time_codes_target")

    op.drop_table("one_time_codes")
    with op.batch_alter_table("ledger_accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_accounts_organisation_id"))

    op.drop_table("ledger_accounts")
    op.drop_table("dirty_cells")
    op.drop_table("counties")
    op.drop_table("compliance_classes")
    op.drop_table("commands_done")
    op.drop_table("categories")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_object")
        batch_op.drop_index(batch_op.f("ix_audit_entries_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entries_actor_id"))

    op.drop_table("audit_entries")
    op.drop_table("accounts")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change")
