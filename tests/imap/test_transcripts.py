"""Every conversation in ``transcripts/``, word for word."""

from __future__ import annotations

import pytest

from tests.imap.harness import TRANSCRIPTS, Block, blocks, play

ALL = [
    pytest.param(block, id=f"{path.stem}: {block.title}")
    for path in sorted(TRANSCRIPTS.glob("*.txt"))
    for block in blocks(path.stem)
]


@pytest.mark.parametrize("block", ALL)
def test_the_conversation_goes_as_written(block: Block) -> None:
    assert block.steps
    play(block)
