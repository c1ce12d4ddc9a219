"""Who may sign in, with what rights; and the staff of the hospital, with or without an account."""
