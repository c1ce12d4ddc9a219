"""Mindray "patient data share": HL7 2.3.1 over MLLP, the monitor listens on TCP 4601 for one client.

BeneView, iPM, iMEC, uMEC, ePM, BeneVision monitors and WATO EX anesthesia machines. The bridge sends two
messages only: the heartbeat (106) and the query that starts the stream (QRY^R02 1203).
"""
