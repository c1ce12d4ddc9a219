"""Laboratory and examination results of patients: what the LIS reported and what a bound analyser measured."""
