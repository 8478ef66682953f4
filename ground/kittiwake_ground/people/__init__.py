"""Who may do what: accounts, log-ins, tokens, rate limits and the audit trail."""
