"""Sans-IO reading of messages: bytes in, what FETCH and SEARCH need out."""
