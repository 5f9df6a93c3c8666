"""A command's life: find it, check its state, parse, run, tell updates, reply.

Whatever happens to every command happens here and nowhere else: error replies, timing, metrics,
the flight record, the count of bad commands.  An unexpected exception is logged with its
traceback and answered NO [SERVERBUG]; its text never reaches the client.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

import mailhub.imap.commands  # noqa: F401  (fills the registry)
from mailhub import log
from mailhub.imap import registry
from mailhub.imap.errors import Bad, CommandFailed, Done, No, log_in_failed, refusal
from mailhub.imap.input import MessageInput, Unintelligible
from mailhub.imap.registry import Command
from mailhub.imap.session import Session, State
from mailhub.imap.wire.errors import SyntaxRefused
from mailhub.imap.wire.events import Framed
from mailhub.imap.wire.reader import Reader
from mailhub.interfaces import LogInRefused
from mailhub.model.errors import NoSuchMailbox, Refusal

UNTAGGED = "*"
"""In place of a tag that cannot be read (9051 7.1.3)."""


def tag_of(framed: Framed) -> str:
    """Its tag, or UNTAGGED."""
    try:
        return Reader(framed).tag()
    except SyntaxRefused:
        return UNTAGGED


def _tag(r: Reader) -> str:
    try:
        return r.tag()
    except SyntaxRefused as error:
        raise Bad(error.what) from None


def find(framed: Framed, *, utf8: bool) -> tuple[Command, Reader]:
    """The command and its unread arguments.  Raises Bad."""
    r = Reader(framed, utf8=utf8)
    _tag(r)
    return find_behind_tag(r), r


def find_behind_tag(r: Reader) -> Command:
    try:
        r.sp()
        name = r.word()
        if name == "UID":
            r.sp()
            name = f"UID {r.word()}"
    except SyntaxRefused as error:
        raise Bad(error.what) from None
    command = registry.find(name)
    if command is None:
        raise Bad("Unknown command")
    return command


def is_message(framed: Framed) -> bool:
    """For the framer: whether the literal announced at the end of *framed* is a message."""
    try:
        command, r = find(framed, utf8=True)
        return command.is_message is not None and command.is_message(r)
    except CommandFailed:
        return False


class Dispatcher:
    """Runs the commands of one session, one after the other."""

    __slots__ = ("_bad_in_a_row", "_connection", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection = session.connection
        self._bad_in_a_row = 0

    async def run(self, framed: Framed, message: MessageInput | None = None) -> None:
        """Run one command and answer it.  Raises Unintelligible."""
        session = self._session
        session.tag = UNTAGGED
        session.message = message
        began = session.now()
        command = None
        arguments = Reader(framed, utf8=session.utf8)
        try:
            session.tag = _tag(arguments)
            command = find_behind_tag(arguments)
            session.by_uid = command.name.startswith("UID ")
            self._record(framed, command)
            done = await self._execute(command, arguments)
        except CommandFailed as failed:
            outcome = failed.status.lower()
            if command is None:
                self._record(framed, None)
            await self._fail(failed, message, recorded=command is not None)
        else:
            outcome = "ok"
            session.tagged("OK", done.text or f"{command.name} completed", done.code)
            if done.then is not None:
                done.then()
        name = command.name if command else "unknown"
        self._connection.host.metrics.command("imap", name, outcome, session.now() - began)
        self._count_bad(bad=outcome == "bad")

    async def _fail(
        self, failed: CommandFailed, message: MessageInput | None, *, recorded: bool
    ) -> None:
        try:
            if message is not None:
                await message.abandon()
        finally:  # also when what the client still sends is too much to be dropped
            self._session.tagged(failed.status, failed.text, failed.code, recorded=recorded)

    def refuse(self, framed: Framed, reason: str) -> None:
        """Answer a command that framing refused."""
        self._session.tag = tag_of(framed)
        self._record(framed, None)
        self._session.tagged("BAD", reason, recorded=False)
        self._count_bad(bad=True)

    async def _execute(self, command: Command, arguments: Reader) -> Done:
        """Its result, after the updates that may be told with it.  Raises CommandFailed."""
        self._check_state(command)
        try:
            done = await self._call(command, arguments)
        except No:
            await self._session.catch_up(expunge=command.expunge_ok)
            raise
        expunge_ok = command.expunge_ok if done.expunge_ok is None else done.expunge_ok
        await self._session.catch_up(expunge=expunge_ok)
        return done

    def _check_state(self, command: Command) -> None:
        state = self._session.state
        match command.state:
            case State.NOT_AUTHENTICATED if state is not State.NOT_AUTHENTICATED:
                raise Bad("You are logged in already")
            case State.AUTHENTICATED | State.SELECTED if state is State.NOT_AUTHENTICATED:
                raise Bad("Log in first")
            case State.SELECTED if state is not State.SELECTED:
                raise Bad("Select a mailbox first")

    async def _call(self, command: Command, arguments: Reader) -> Done:
        """Parse and run; whatever goes wrong becomes a CommandFailed."""
        session = self._session
        try:
            parsed = command.parse(arguments)
            if command.state is State.SELECTED:
                await session.current.load()
            return await command.run(session, parsed) or Done()
        except SyntaxRefused as error:
            raise Bad(error.what if command.secret else str(error)) from None
        except LogInRefused as error:
            raise log_in_failed(error) from None
        except Refusal as error:
            raise self._refused(command, error) from None
        except (CommandFailed, Unintelligible, CancelledError):
            raise
        except Exception:
            raise self._bug(command) from None

    def _refused(self, command: Command, error: Refusal) -> No:
        row = refusal(error)
        code, text = row.code, str(error)
        if command.trycreate and isinstance(error, NoSuchMailbox):
            code = "TRYCREATE"
        if row.reported:
            error.reason_id = error.reason_id or log.new_reason_id()
            text = f"{text} ({error.reason_id})"
            self._connection.event(
                "command.refused",
                command=command.name,
                reason=str(error),
                detail=error.detail,
                reason_id=error.reason_id,
                outcome=type(error).__name__,
            )
        return No(text, code)

    def _bug(self, command: Command) -> No:
        reason_id = log.new_reason_id()
        log.failure(
            "command.failed",
            Failure(),
            conn=self._session.client.connection,
            protocol="imap",
            command=command.name,
            reason_id=reason_id,
        )
        self._connection.dump("internal error")
        return No(f"Internal error ({reason_id})", "SERVERBUG")

    def _record(self, framed: Framed, command: Command | None) -> None:
        """Into the flight record: no secret, and nothing that may be one sent by mistake."""
        if command is None:
            text = b"(%d octets that are no command)" % len(framed.text)
        elif command.secret:
            text = b"%b %b ..." % (self._session.tag.encode(), command.name.encode())
        else:
            text = framed.text
        self._connection.recorder.received(text)

    def _count_bad(self, *, bad: bool) -> None:
        self._bad_in_a_row = self._bad_in_a_row + 1 if bad else 0
        if self._bad_in_a_row >= self._session.config.max_bad_commands:
            self._connection.event("bad.commands", level="warn")
            self._connection.dump("too many bad commands")
            self._session.bye("Too many bad commands")
