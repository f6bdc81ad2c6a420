"""Who: accounts, roles, what each may do, and the audit trail."""
