"""Solutions, misconceptions and questions, one module per chapter; the stubs come from here."""
