"""LMTP's commands, each a coroutine over the session.  RFC 2033, RFC 5321 4.1.1, RFC 3030.

VRFY tells nothing (252), EXPN does not exist: who has a mailbox is asked with RCPT.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mailhub.interfaces import Envelope
from mailhub.lmtp.errors import reply_for
from mailhub.lmtp.paths import parse_mail, parse_rcpt
from mailhub.lmtp.transaction import Intake, Transaction
from mailhub.lmtp.wire import End, Octets, Refused, Reply, bad_chunk, parse_chunk, reply
from mailhub.model.errors import MessageTooLarge, Refusal
from mailhub.model.steps import Steps

if TYPE_CHECKING:
    from mailhub.lmtp.session import Session

Handler = Callable[["Session", str], Awaitable[None]]


async def lhlo(session: Session, argument: str) -> None:  # 2033 4.1
    if not argument or " " in argument or not argument.isprintable():
        raise Refused(501, "5.5.4", "Syntax: LHLO name")
    session.reset()  # 5321 4.1.4: as if RSET had come
    session.helo = argument
    lines = [session.channel.host.hostname, *extensions(session)]
    session.send(Reply(250, "", lines))  # 2034 4: no status code here


def extensions(session: Session) -> list[str]:
    offered = [
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        f"SIZE {session.limits.max_message}",
        "CHUNKING",
    ]
    return [*offered, "STARTTLS"] if session.channel.tls_offered else offered


async def wrong_protocol(session: Session, argument: str) -> None:
    raise Refused(500, "5.5.1", "This is LMTP: say LHLO")  # 2033 4.1: MUST be 500


async def mail(session: Session, argument: str) -> None:
    if not session.helo:
        raise Refused(503, "5.5.1", "LHLO first")
    if session.transaction is not None:
        raise Refused(503, "5.5.1", "MAIL was given already")
    asked = parse_mail(argument)
    if asked.size > session.limits.max_message:  # 1870 6.1
        raise MessageTooLarge
    envelope = Envelope(
        asked.sender,
        session.channel.client,
        helo=session.helo,
        smtputf8=asked.smtputf8,
        eight_bit=asked.eight_bit,
    )
    session.transaction = Transaction(envelope, asked.size)
    session.say(250, "2.1.0", "Sender ok")


async def rcpt(session: Session, argument: str) -> None:
    transaction = _transaction(session, "RCPT")
    if transaction.intake is not None:
        raise Refused(503, "5.5.1", "The message has begun")
    address = parse_rcpt(argument, smtputf8=transaction.envelope.smtputf8)
    if len(transaction.recipients) >= session.config.max_recipients:  # 5321 4.5.3.1.10
        session.say(452, "4.5.3", "Too many recipients for one message")
        return
    if "@" not in address and session.config.default_domain:
        address = f"{address}@{session.config.default_domain}"
    steps = Steps()
    try:
        recipient = await session.delivery.resolve(address, transaction.declared_size, steps)
    except Refusal as refusal:
        sender = transaction.envelope.sender
        session.record(refusal, recipient=address, sender=sender, log_steps=steps.taken)
        raise
    transaction.recipients.append(recipient)
    session.say(250, "2.1.5", "Recipient ok")


async def data(session: Session, argument: str) -> None:
    if argument:
        raise Refused(501, "5.5.4", "DATA takes no argument")
    transaction = _transaction(session, "DATA")
    if transaction.intake is not None:  # 3030 2: not both in one transaction
        raise Refused(503, "5.5.1", "BDAT was used for this message: go on with it, or RSET")
    _require_recipients(transaction)
    transaction.intake = intake = _new_intake(session, transaction)
    if intake.refusal is not None:
        session.reset()
        raise intake.refusal
    session.say(354, "", "End with a line that is a single dot")
    session.channel.framer.start_data()
    await _receive(session, intake)
    await _conclude(session, transaction, intake)


async def bdat(session: Session, argument: str) -> None:  # 3030 2
    octets, word = parse_chunk(argument)
    if octets > 2 * session.limits.max_message:  # not even to be thrown away
        session.say(552, "5.3.4", "The chunk is larger than this server reads, closing connection")
        session.ended = True
        return
    session.channel.framer.start_chunk(octets)
    try:
        intake = _chunk_intake(session, word)
    except Refused:
        await _receive(session, None)  # the chunk is on its way, whatever we say to it
        raise
    await _receive(session, intake)
    transaction = _transaction(session, "BDAT")
    if word:
        await _conclude(session, transaction, intake)
    elif intake.refusal is not None:
        transaction.broken = True
        raise intake.refusal
    else:
        session.say(250, "2.0.0", f"{octets} octets received")


def _chunk_intake(session: Session, word: str) -> Intake:
    if word not in ("", "LAST"):
        raise bad_chunk()
    transaction = _transaction(session, "BDAT")
    _require_recipients(transaction)
    if transaction.broken:
        raise Refused(503, "5.5.1", "A chunk of this message was refused: RSET")
    if transaction.intake is None:
        transaction.intake = _new_intake(session, transaction)
    return transaction.intake


async def rset(session: Session, argument: str) -> None:
    session.reset()
    session.say(250, "2.0.0", "Reset")


async def noop(session: Session, argument: str) -> None:
    session.say(250, "2.0.0", "Ok")


async def vrfy(session: Session, argument: str) -> None:  # 5321 3.5.3
    session.say(252, "2.5.0", "Cannot verify, but RCPT will tell")


async def help_(session: Session, argument: str) -> None:
    session.say(214, "2.0.0", "LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS QUIT")


async def starttls(session: Session, argument: str) -> None:  # 3207 4
    if argument:
        raise Refused(501, "5.5.4", "STARTTLS takes no argument")
    if session.channel.client.tls:
        raise Refused(503, "5.5.1", "TLS is active already")
    if not session.channel.tls_offered:
        raise Refused(502, "5.5.1", "TLS is not offered here")
    session.say(220, "2.0.0", "Go ahead")
    session.forget()
    session.channel.framer.clear()
    session.channel.start_tls()


async def quit_(session: Session, argument: str) -> None:
    session.say(221, "2.0.0", f"{session.channel.host.hostname} goodbye")
    session.ended = True


COMMANDS: dict[str, Handler] = {
    "LHLO": lhlo,
    "HELO": wrong_protocol,
    "EHLO": wrong_protocol,
    "MAIL": mail,
    "RCPT": rcpt,
    "DATA": data,
    "BDAT": bdat,
    "RSET": rset,
    "NOOP": noop,
    "VRFY": vrfy,
    "HELP": help_,
    "STARTTLS": starttls,
    "QUIT": quit_,
}


# --- the message itself


def _transaction(session: Session, verb: str) -> Transaction:
    if session.transaction is None:
        raise Refused(503, "5.5.1", f"MAIL comes before {verb}")
    return session.transaction


def _require_recipients(transaction: Transaction) -> None:
    if not transaction.recipients:  # 2033 4.2
        raise Refused(503, "5.5.1", "No valid recipients")


def _new_intake(session: Session, transaction: Transaction) -> Intake:
    return Intake(session.delivery.stage, transaction.declared_size, session.limits.max_message)


async def _receive(session: Session, intake: Intake | None) -> None:
    """Read the message or chunk up to its end, into *intake* or nowhere."""
    while not isinstance(event := await session.channel.next_event(), End):
        assert isinstance(event, Octets)
        if intake is not None:
            await intake.write(event.data)


async def _conclude(session: Session, transaction: Transaction, intake: Intake) -> None:
    """File the message; one reply for each recipient, in their order (2033 4.2)."""
    recipients = transaction.recipients
    try:
        staged = await intake.finish()
    except Refusal as refusal:
        session.record(refusal, command="the message")
        replies = [reply_for(refusal)] * len(recipients)
    else:
        try:
            outcomes = await session.delivery.deliver(transaction.envelope, staged, recipients)
        finally:
            staged.release()
        replies = [
            reply_for(o.refusal) if o.refusal else reply(250, "2.0.0", f"Filed for {r.address}")
            for o, r in zip(outcomes, recipients, strict=True)
        ]
    session.transaction = None
    for answer in replies:
        session.send(answer)
