"""Door for officials and operators: dashboards, approvals, recalls."""
