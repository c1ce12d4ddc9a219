"""Glue of all blueprints: access, transaction edge, errors, headers, assets, fragments, live topics."""
