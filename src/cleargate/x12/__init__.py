"""A pure codec: bytes to typed transactions and back. Lenient in reading, exact in writing."""
