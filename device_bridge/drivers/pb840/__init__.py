"""Puritan Bennett 840 ventilator, DCI port (speed and parity as set on the machine): asks SNDF or SNDA."""
