"""x"""

from typing import Any


def protocols_page(document: Any) -> str:
    return ""
