"""HL7 v2 as hospitals really send it: decoding, parsing, mapping to canonical changes, building, acknowledging."""
