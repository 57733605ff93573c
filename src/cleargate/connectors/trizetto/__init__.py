"""TriZetto (Gateway EDI): DoInquiry, asked in name/value pairs over SOAP."""
