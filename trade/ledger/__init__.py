"""Who owes whom: double entry by transfers, each naming a debit and a credit account."""
