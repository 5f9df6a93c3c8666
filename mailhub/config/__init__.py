"""Configuration: one TOML file in, frozen dataclasses out.

- :mod:`.options`   declares every option, its type, range and default
- :mod:`.load`      reads a file, or gives the embedded set-up
- :mod:`.convert`   TOML values to dataclasses; :mod:`.lines` finds where they stand
- :mod:`.rules`     what must hold beyond types; :mod:`.files` what must be on the disk
- :mod:`.problems`  how a mistake is told
- :mod:`.check`     what a server with a configuration would do
- :mod:`.addresses` what a listener's address says
"""
