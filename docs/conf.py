import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from mailhub import __version__

project = "mailhub"
author = "the mailhub contributors"
release = __version__
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "The mailbox server", "page_width": "1020px"}
html_static_path: list[str] = []
