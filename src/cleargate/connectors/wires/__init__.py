"""Protocols that several vendors speak: HTTP, SMART Backend Services, SOAP, CAQH CORE."""
