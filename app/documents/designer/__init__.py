"""The designer of forms: a plan that people edit, its way to a definition and back, formulas and conditions in words."""
