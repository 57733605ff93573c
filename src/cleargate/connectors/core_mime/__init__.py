"""A clearinghouse or payer that speaks CAQH CORE 2.2.0 in real time over HTTP with MIME."""
