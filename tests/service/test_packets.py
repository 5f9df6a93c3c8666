"""The channel between the parent and the template, when one of them has gone."""

from __future__ import annotations

import os

from mailhub.service.messages import Ended
from mailhub.service.packets import pair, receive, send
from mailhub.service.template import Template


def test_an_object_comes_with_its_descriptors() -> None:
    ours, theirs = pair()
    reading, writing = os.pipe()
    send(ours, {"a": 1}, [writing])
    os.close(writing)
    received = receive(theirs)
    assert received is not None
    message, (given,) = received
    assert message == {"a": 1}
    os.write(given, b"through")
    os.close(given)
    assert os.read(reading, 100) == b"through"
    os.close(reading)
    for end in (ours, theirs):
        end.close()


def test_an_end_that_went_with_words_unread_is_gone_and_no_error() -> None:
    ours, theirs = pair()
    send(theirs, Ended(1, 0))
    ours.close()
    assert receive(theirs) is None
    theirs.close()


def test_the_template_ends_when_its_parent_has_gone_whatever_it_still_had_to_tell() -> None:
    ours, theirs = pair()
    template = Template(theirs)
    template._tell(Ended(1, 0))
    ours.close()
    template._tell(Ended(2, 0))
    template.run()
    theirs.close()
