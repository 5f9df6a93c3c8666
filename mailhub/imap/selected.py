"""The mailbox a client has selected, and how far the client has been told what happened in it.

Its UIDs are read only when something needs them: SELECT and STATUS-like polling of a mailbox
of 100,000 messages cost nothing per message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailhub.imap.view import View
from mailhub.imap.wire.sequence import SequenceSet
from mailhub.interfaces import IAccount, IMailbox
from mailhub.model.mail import MailboxId
from mailhub.model.names import MailboxName
from mailhub.model.numbers import ModSeq, NumberSet, Uid


class Watch:
    """Told by the account of every change; ``stale``: there is something to read.

    Before ``mailbox`` is known any mailbox counts.
    """

    __slots__ = ("_changed", "mailbox", "stale")

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.mailbox: MailboxId | None = None
        self.stale = False

    def __call__(self, which: MailboxId | None) -> None:
        if which is None or self.mailbox is None or which == self.mailbox:
            self.stale = True
            self._changed()


class Selected:
    """What one session knows of its mailbox.

    ``exists``, ``uidnext``, ``modseq`` and ``keywords`` are what the client has been told;
    ``gone`` are messages that it still has a number for, and ``modseq_before_gone`` is the modseq
    up to which it had been told before the first of them went.  ``recent``: UIDs that are \\Recent
    in this session.  ``saved``: what ``$`` means (RFC 5182).  ``stale``: there is something to
    read.
    """

    def __init__(self, mailbox: IMailbox, *, read_only: bool, watch: Watch) -> None:
        status = mailbox.opened
        self.mailbox = mailbox
        self.name: MailboxName = status.name
        self.read_only = read_only
        self.uidvalidity = status.uidvalidity
        self.exists = status.exists
        self.uidnext: Uid = status.uidnext
        self.modseq: ModSeq = status.highest_modseq
        self.keywords = status.keywords
        self.recent = NumberSet()
        self.recent_count = 0
        self.saved = NumberSet()
        self.gone = NumberSet()
        self.modseq_before_gone: ModSeq = status.highest_modseq
        self.watch = watch
        self._view: View | None = None
        self._stop_watching: Callable[[], None] = lambda: None

    @classmethod
    async def open(
        cls,
        account: IAccount,
        name: MailboxName,
        *,
        read_only: bool,
        changed: Callable[[], None],
    ) -> Selected:
        """Select *name*; *changed* is called whenever it becomes stale.  Raises NoSuchMailbox."""
        watch = Watch(changed)
        # Watched first: a change between the two is seen twice rather than never.
        undo = account.watch(watch)
        try:
            mailbox = await account.open(name)
        except BaseException:
            undo()
            raise
        watch.mailbox = mailbox.id
        selected = cls(mailbox, read_only=read_only, watch=watch)
        selected._stop_watching = undo
        return selected

    def close(self) -> None:
        self._stop_watching()

    # --- numbers

    @property
    def loaded(self) -> bool:
        return self._view is not None

    @property
    def view(self) -> View:
        """The messages the client knows.  Loaded before a command of the selected state runs."""
        assert self._view is not None, "the view has not been loaded"
        return self._view

    async def load(self) -> None:
        """Read the UIDs that the client has been told of, if that has not been done."""
        if self._view is None:
            self._view = View(await self.mailbox.uids(self.modseq))

    def resolve(self, wanted: SequenceSet, *, uid: bool) -> NumberSet:
        """The UIDs that *wanted* means; SyntaxRefused for a number that no message has.

        The result may cover UIDs between known ones that are gone, so that ``1:*`` is one range.
        """
        if wanted.is_saved:
            return self.view.known(self.saved)
        return self.view.by_uid(wanted) if uid else self.view.by_number(wanted)

    def matching(self, wanted: SequenceSet) -> NumberSet:
        """The UIDs that *wanted*, message numbers as a search key, may match."""
        return self.view.known(self.saved) if wanted.is_saved else self.view.matching(wanted)

    # --- what the client is told

    def tell_arrived(self, uids: Sequence[int], uidnext: Uid) -> None:
        self.exists += len(uids)
        self.uidnext = uidnext
        if self._view is not None:
            self._view.add(uids)

    def note_gone(self, vanished: NumberSet) -> None:
        """Messages that have been expunged; ``modseq`` is still that of before."""
        if not self.gone:
            self.modseq_before_gone = self.modseq
        self.gone |= self.view.known(vanished)

    def tell_gone(self) -> tuple[list[int], NumberSet]:
        """The numbers to report as expunged one after the other, and their UIDs."""
        gone, self.gone = self.gone, NumberSet()
        numbers = self.view.remove(gone)
        self.exists -= len(numbers)
        self.recent_count -= len(gone & self.recent)
        self.recent -= gone
        return numbers, gone
