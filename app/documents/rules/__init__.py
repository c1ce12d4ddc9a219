"""Pure decisions on documents: values, completeness, signing, whole-case findings."""
