"""Solutions and known misconceptions, one module per chapter; the notebooks' stubs come from here."""
