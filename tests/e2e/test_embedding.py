"""The example of docs/embedding.rst works as it stands there."""

from __future__ import annotations

import imaplib
import os
import poplib
import subprocess
import sys
from pathlib import Path

from tests.e2e.server import ROOT, Output
from tests.harness import message

EXAMPLE = ROOT / "docs" / "embedding_example.py"


def test_both_protocols_of_the_example_serve_the_same_mail(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, EXAMPLE, tmp_path, "tcp:0", "tcp:0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        output = Output(process.stdout)
        imap_port = int(output.until("IMAP4Factory").split()[-1])
        pop3_port = int(output.until("POP3Factory").split()[-1])
        try:
            imap = imaplib.IMAP4("127.0.0.1", imap_port)
            imap.login("ann", "secret")
            imap.append("INBOX", None, None, message(subject="embedded"))
            imap.logout()
            pop3 = poplib.POP3("127.0.0.1", pop3_port)
            pop3.user("ann")
            pop3.pass_("secret")
            assert b"Subject: embedded" in pop3.retr(1)[1]
            pop3.quit()
        finally:
            process.terminate()


def test_the_documentation_shows_the_example_that_is_tested() -> None:
    assert f".. literalinclude:: {EXAMPLE.name}" in (ROOT / "docs" / "embedding.rst").read_text()
