"""Configuration: one TOML file in, frozen dataclasses out.

:mod:`.options` declares every option, :mod:`.load` reads a file and reports every mistake.
"""
