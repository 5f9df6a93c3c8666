"""SASL, the server's side, without I/O: each mechanism's messages as functions and values."""
