"""The reusable code of *Embeddings, Tested*: one module per idea, read beside the chapters."""

__version__ = "0.1.0"
