"""From the surgery request to the published list, and the case with its times."""
