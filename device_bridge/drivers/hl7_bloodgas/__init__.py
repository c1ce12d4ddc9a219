"""Blood gas results as HL7 ORU^R01 over MLLP (Radiometer, laboratory systems, i-STAT and cobas middleware)."""
