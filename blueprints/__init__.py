"""The web: one package a workplace. Routes parse, call the domain and render; `common` is their glue."""
