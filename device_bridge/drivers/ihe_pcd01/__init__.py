"""IHE PCD-01 (HL7 2.6 ORU^R01 over MLLP): gateways and newer monitors connect to the bridge and push.

Mindray eGateway, ePM, BeneVision, VS; Comen NC; GE through its gateway. Only acknowledgements leave.
"""
