"""Which messages a client has been told of: sequence number <-> UID.  RFC 9051 2.3.1.2.

Pure, four octets per message.  Numbers change only through :meth:`View.remove` and
:meth:`View.add`, at the moment when the client is told.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.model.numbers import NumberSet


class View:
    """``uids`` ascends; the message with number *n* is ``uids[n - 1]``."""

    __slots__ = ("uids",)

    def __init__(self, uids: Iterable[int] = ()) -> None:
        self.uids: array[int] = uids if isinstance(uids, array) else array("I", uids)

    def __len__(self) -> int:
        return len(self.uids)

    def seq(self, uid: int) -> int:
        """The number of the message *uid*; 0 if the client does not know it."""
        index = bisect_left(self.uids, uid)
        return index + 1 if index < len(self.uids) and self.uids[index] == uid else 0

    def numbers(self, uids: Sequence[int]) -> Sequence[int]:
        """The number of each of *uids*, which ascend; cheap for a stretch of the view."""
        if not uids:
            return ()
        first = bisect_left(self.uids, uids[0])
        if isinstance(uids, array) and self.uids[first : first + len(uids)] == uids:
            return range(first + 1, first + 1 + len(uids))
        return self._numbers_of_some(uids)

    def _numbers_of_some(self, uids: Sequence[int]) -> list[int]:
        """Numbers grow at most as fast as UIDs: the last one tells where to look for the next."""
        ours, count = self.uids, len(self.uids)
        if not count:
            return [0] * len(uids)
        numbers: list[int] = []
        at, ahead = 0, -ours[0]
        for uid in uids:
            index = uid + ahead
            if not 0 <= index < count or ours[index] != uid:
                index = bisect_left(ours, uid, at, max(at, min(index, count)))
                if index == count or ours[index] != uid:
                    numbers.append(0)
                    continue
                at, ahead = index, index - uid
            numbers.append(index + 1)
        return numbers

    def by_number(self, wanted: SequenceSet) -> NumberSet:
        """The UIDs of the messages with these numbers.  SyntaxRefused: there is no such message.

        May cover UIDs between them that are gone.  In an empty mailbox ``*`` is nothing rather
        than an error: clients open every mailbox with FETCH 1:*.
        """
        last = len(self.uids)
        if not last:
            if wanted.fixed:
                raise SyntaxRefused("There is no such message")
            return NumberSet()
        numbers = wanted.resolve(last)
        if numbers and numbers.highest > last:
            raise SyntaxRefused("There is no such message")
        return self._spans(numbers)

    def matching(self, wanted: SequenceSet) -> NumberSet:
        """As :meth:`by_number` for a search key: a number that no message has matches nothing."""
        last = len(self.uids)
        if not last:
            return NumberSet()
        return self._spans(wanted.resolve(last) & NumberSet(((1, last),)))

    def _spans(self, numbers: NumberSet) -> NumberSet:
        if len(numbers.ranges) == 1:
            low, high = numbers.ranges[0]
            return NumberSet(((self.uids[low - 1], self.uids[high - 1]),))
        return NumberSet.of_ranges(
            (self.uids[low - 1], self.uids[high - 1]) for low, high in numbers.ranges
        )

    def by_uid(self, wanted: SequenceSet) -> NumberSet:
        """The UIDs meant, as far as the client can know them; may cover some that are gone."""
        if not self.uids:
            return NumberSet()
        last = self.uids[-1]
        return wanted.resolve(last) & NumberSet(((1, last),))

    def known(self, uids: NumberSet) -> NumberSet:
        """Those of *uids* that the client knows."""
        return NumberSet.of_sorted(uids.select(self.uids))

    def add(self, uids: Sequence[int]) -> None:
        """Messages that have arrived; their UIDs are higher than all before."""
        assert not uids or not self.uids or uids[0] > self.uids[-1]
        self.uids.extend(uids)

    def remove(self, uids: NumberSet) -> list[int]:
        """Forget messages; returns the number each has when the ones before it are gone."""
        numbers: list[int] = []
        kept = array("I")
        done = 0
        for low, high in uids.ranges:
            first, behind = bisect_left(self.uids, low), bisect_left(self.uids, high + 1)
            numbers += [first + 1 - len(numbers)] * (behind - first)
            kept += self.uids[done:first]
            done = behind
        if numbers:
            self.uids = kept + self.uids[done:]
        return numbers
