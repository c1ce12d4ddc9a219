"""WS/T 500-2016 shared documents: written from the definitions, checked against the hospital's own schema set."""
