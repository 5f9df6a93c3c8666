"""The message commands in the words of real clients, as recorded: all must be understood."""

from __future__ import annotations

import pytest

from tests.imap.harness import ImapClient, World

FORMS = [
    ("Apple Mail", "UID FETCH 1 BODY.PEEK[]<0.393216>"),
    ("Apple Mail", "UID FETCH 1:3 (FLAGS) (CHANGEDSINCE 0)"),
    ("Apple Mail", "UID SEARCH 1:* NOT DELETED"),
    ("Apple Mail", "UID FETCH 1,3 (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER])"),
    ("Outlook", "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (REFERENCES DATE)] UID FLAGS)"),
    ("Outlook", "FETCH 1 RFC822.PEEK"),
    ("Thunderbird", "UID fetch 1:* (FLAGS)"),
    (
        "Thunderbird",
        "UID fetch 1:3 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject"
        " Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type"
        " Reply-To Received)])",
    ),
    ("Thunderbird", "UID fetch 2:3 (UID RFC822.SIZE BODY.PEEK[])"),
    ("Thunderbird", "uid store 1 +Flags (\\Seen)"),
    ("Thunderbird", "uid store 1 +FLAGS ($label1)"),
    ("Thunderbird", 'uid SEARCH UNDELETED BODY "text"'),
    ("Thunderbird", "UID fetch 1:* (FLAGS) (CHANGEDSINCE 2)"),
    ("Thunderbird", 'uid move 1 "Elsewhere"'),
    (
        "neomutt",
        "FETCH 1:3 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM SENDER"
        " SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE CONTENT-DESCRIPTION IN-REPLY-TO"
        " REPLY-TO LINES LIST-POST LIST-SUBSCRIBE LIST-UNSUBSCRIBE X-LABEL X-ORIGINAL-TO)])",
    ),
    ("neomutt", "UID STORE 1:2 +FLAGS.SILENT (\\Seen)"),
    ("mbsync", "UID FETCH 1:3 (UID FLAGS)"),
    ("mbsync", "UID FETCH 2 (INTERNALDATE BODY.PEEK[])"),
    ("mbsync", "UID SEARCH HEADER X-TUID 0123456789ab"),
    ("imapflow", "UID FETCH 1:* (UID MODSEQ FLAGS ENVELOPE) (CHANGEDSINCE 1)"),
    ("imapflow", "UID FETCH 1 (UID BODY.PEEK[TEXT]<0.65536>)"),
    ("imapflow", "UID EXPUNGE 1:3"),
    ("aerc", "UID SEARCH CHARSET UTF-8 ALL"),
    (
        "aerc",
        "UID FETCH 1:3 (BODYSTRUCTURE ENVELOPE INTERNALDATE FLAGS UID BODY.PEEK[HEADER])",
    ),
    (
        "aerc",
        "UID FETCH 1 (ENVELOPE UID BODYSTRUCTURE FLAGS BODY.PEEK[HEADER] BODY.PEEK[TEXT])",
    ),
    ("alpine", "SEARCH UNANSWERED UNDELETED UNSEEN"),
    ("alpine", "FETCH 1 BODY[1]"),
    ("alpine", "STORE 1 +Flags (\\FLAGGED)"),
    ("alpine", "FETCH 1:3 (UID ENVELOPE BODY.PEEK[HEADER.FIELDS (Newsgroups Path)] FLAGS)"),
    ("offlineimap", "FETCH 1:* (FLAGS UID INTERNALDATE)"),
    ("offlineimap", "UID FETCH 1 (BODY.PEEK[])"),
    ("fetchmail", "SEARCH UNSEEN UNDELETED"),
    ("fetchmail", "FETCH 1:2 RFC822.SIZE"),
    ("fetchmail", "FETCH 1 RFC822.HEADER"),
    ("fetchmail", "FETCH 1 BODY.PEEK[TEXT]"),
    ("fetchmail", "STORE 1 +FLAGS (\\Seen \\Deleted)"),
    ("getmail", "FETCH 1:3 (UID RFC822.SIZE)"),
    ("getmail", "UID STORE 1 FLAGS (\\Deleted \\Seen)"),
    ("curl", "FETCH 1 BODY[]"),
    ("imap-tools", "UID SEARCH CHARSET US-ASCII (ALL)"),
    ("imap-tools", 'UID SEARCH CHARSET utf8 (SUBJECT "ñ")'),
    ("aioimaplib", "SEARCH CHARSET utf-8 ALL"),
    ("aioimaplib", 'ID ( "name" "aioimaplib" )'),
    ("aioimaplib", "UID SEARCH ALL "),
    ("Mail::IMAPClient", "SEARCH SUBJECT perl 3"),
    ("Mail::IMAPClient", "UID FETCH 1 BODY[]"),
    ("Net::IMAP::Client", "UID FETCH 1 RFC822"),
    ("Net::IMAP::Client", "FETCH 1 UID"),
    ("Roundcube", "UID SEARCH RETURN (ALL COUNT) CHARSET US-ASCII UNDELETED"),
    ("Horde", "UID FETCH 1:3 (FLAGS MODSEQ) (CHANGEDSINCE 1)"),
]


@pytest.fixture
def client() -> ImapClient:
    world = World()
    client = world.connect("alice")
    client.ok("CREATE Elsewhere")
    for _ in range(3):
        world.deliver()
    client.select()
    return client


@pytest.mark.parametrize(("who", "command"), FORMS, ids=[f"{w}: {c[:40]}" for w, c in FORMS])
def test_what_clients_send_is_understood(client: ImapClient, who: str, command: str) -> None:
    assert client.tagged(command).startswith("OK "), who


def test_a_whole_mailbox_is_fetched_by_pipelining_one_message_at_a_time(
    client: ImapClient,
) -> None:
    """mbsync waits for no answer."""
    commands = [f"t{n} UID FETCH {n} (INTERNALDATE BODY.PEEK[])" for n in (1, 2, 3)]

    answer = client.send(*commands)

    done = [line for line in answer if " OK UID FETCH" in line]
    assert done == [f"t{n} OK UID FETCH completed" for n in (1, 2, 3)]
