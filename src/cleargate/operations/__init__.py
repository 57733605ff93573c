"""Operations: running an installation, and rehearsing it."""
