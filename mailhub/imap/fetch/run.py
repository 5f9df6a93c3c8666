"""Answering a FETCH: slices of messages read, turned into lines, written, with room between.

A slice takes about 3 ms at most, then other connections get their turn; the next one is read
when the client has taken enough of those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mailhub.imap.fetch.plan import Batch, Plan, columns_of, columns_of_flags
from mailhub.imap.fetch.stream import send_long
from mailhub.imap.selected import Selected
from mailhub.imap.session import Session
from mailhub.model.mail import Field, FlagRows
from mailhub.model.numbers import NumberSet, Uid

FLAGS_PER_SLICE = 5_000
ROWS_PER_SLICE = 250
NOBODY = NumberSet()


class Answer:
    """The responses of one FETCH.

    *seen* are the messages that this FETCH has marked \\Seen: they are answered by *seen_plan*,
    which tells the new flags as well.  ``answered`` counts.
    """

    def __init__(
        self,
        session: Session,
        plan: Plan,
        seen_plan: Plan | None = None,
        seen: NumberSet = NOBODY,
    ) -> None:
        self.answered = 0
        self._session = session
        self._selected: Selected = session.current
        self._plan = plan
        self._seen_plan = seen_plan or plan
        self._seen = seen
        self._fields = self._seen_plan.fields if seen else plan.fields

    @property
    def flags_only(self) -> bool:
        return not self._seen and self._plan.flags_only

    async def send(self, wanted: NumberSet) -> None:
        if self.flags_only:
            await self._send_flags(wanted)
        else:
            await self.send_rows(wanted)

    async def _send_flags(self, wanted: NumberSet) -> None:
        after: Uid | None = None
        while True:
            rows = await self._selected.mailbox.flags(
                wanted, after, FLAGS_PER_SLICE, Field.MODSEQ in self._fields
            )
            await self._write(columns_of_flags(rows))
            if rows.resume is None:
                return
            after = rows.resume

    async def send_rows(self, wanted: NumberSet) -> None:
        after: Uid | None = None
        while True:
            slice_ = await self._selected.mailbox.rows(self._fields, wanted, after, ROWS_PER_SLICE)
            if slice_.uids:
                await self._send_batch(columns_of(slice_, self._fields))
            if slice_.resume is None:
                return
            after = slice_.resume

    async def send_changed(self, rows: FlagRows) -> None:
        """Answer for messages of which flags and modseqs are known already."""
        for start in range(0, len(rows.uids), FLAGS_PER_SLICE):
            part = slice(start, start + FLAGS_PER_SLICE)
            await self._write(
                columns_of_flags(FlagRows(rows.uids[part], rows.flags[part], rows.modseqs[part]))
            )

    async def _send_batch(self, batch: Batch) -> None:
        """Write the batch, in their order messages that fit into rows and those too long."""
        rests = batch.columns.get(Field.REST)
        if rests is None or None not in rests:
            await self._write(batch)
            return
        start = 0
        for at in [i for i, rest in enumerate(rests) if rest is None]:
            await self._write(batch.part(start, at))
            await self._send_long(batch.part(at, at + 1))
            start = at + 1
        await self._write(batch.part(start, len(rests)))

    async def _write(self, batch: Batch) -> None:
        batch, numbers = self._known(batch)
        for plan, part in self._by_plan(batch.uids):
            piece = batch if part is None else batch.part(part.start, part.stop)
            self._session.write(plan.lines(numbers if part is None else numbers[part], piece))
        self._note(batch.uids)
        self.answered += len(numbers)
        await self._session.ready()

    async def _send_long(self, batch: Batch) -> None:
        batch, numbers = self._known(batch)
        if numbers:
            plan = self._seen_plan if batch.uids[0] in self._seen else self._plan
            try:
                await send_long(self._session, self._selected.mailbox, plan, numbers[0], batch)
            except Exception:
                # A literal cannot be taken back; whatever followed would be read as its octets.
                self._session.connection.abort("content lost")
                raise
            self._note(batch.uids)
            self.answered += 1

    def _note(self, uids: Sequence[int]) -> None:
        if self._plan.whole and uids:
            self._session.connection.traffic.retrieved(int(self._selected.mailbox.id), uids)

    def _known(self, batch: Batch) -> tuple[Batch, Sequence[int]]:
        """Without the messages that the client has not been told of."""
        selected = self._selected
        numbers = selected.view.numbers(batch.uids)
        if not isinstance(numbers, range) and 0 in numbers:
            batch, numbers = batch.pick(numbers), [n for n in numbers if n]
        return batch._replace(keywords=selected.keywords, recent=selected.recent), numbers

    def _by_plan(self, uids: Sequence[int]) -> list[tuple[Plan, slice | None]]:
        """Which messages are answered by which plan; None: all of them."""
        if not self._seen:
            return [(self._plan, None)]
        seen = [uid in self._seen for uid in uids]
        if all(seen):
            return [(self._seen_plan, None)]
        found: list[tuple[Plan, slice | None]] = []
        start = 0
        for flag, group in groupby(seen):
            end = start + len(list(group))
            found.append((self._seen_plan if flag else self._plan, slice(start, end)))
            start = end
        return found
