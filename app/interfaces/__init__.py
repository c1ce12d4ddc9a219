"""Messages in and out: journal of what came, outbox of what must go, written with the change itself."""
