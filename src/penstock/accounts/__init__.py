"""Who owns what: accounts and their sites."""
