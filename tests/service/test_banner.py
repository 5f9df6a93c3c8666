"""What a person reads when a server has started."""

from __future__ import annotations

import shlex
from pathlib import Path
from socket import AF_INET, AF_INET6, AF_UNIX
from typing import Any

from mailhub.config.options import Listener
from mailhub.net.listen import Listening
from mailhub.service.banner import Guide, guide_lines, listening_lines


class Socket:
    """An open socket, as far as its address goes."""

    def __init__(self, family: int, *name: Any) -> None:
        self.family = family
        self._name = name

    def getsockname(self) -> Any:
        return self._name


def listening(listener: Listener, family: int, *name: Any) -> Listening:
    return Listening(listener, Socket(family, *name))  # type: ignore[arg-type]


IMAPS = listening(Listener("imap", "127.0.0.1:0", "implicit"), AF_INET, "127.0.0.1", 1993)


def guide(**passwords: str) -> Guide:
    known = {f"{name}@example.org": password for name, password in passwords.items()}
    return Guide(
        ("alice@example.org", "bob@example.org"),
        known,
        Path("/srv/my mail"),
        Path("/srv/my mail/tls/ca.pem"),
    )


def test_each_listener_is_a_line_with_its_real_port() -> None:
    lines = listening_lines(
        [
            IMAPS,
            listening(Listener("pop3", "[::1]:0", "starttls"), AF_INET6, "::1", 1110, 0, 0),
            listening(Listener("lmtp", "unix:/run/lmtp"), AF_UNIX),
        ]
    )
    assert [line.split() for line in lines] == [
        ["IMAP", "127.0.0.1:1993", "TLS"],
        ["POP3", "[::1]:1110", "STLS"],
        ["LMTP", "unix:/run/lmtp"],
    ]


def test_new_passwords_are_shown_and_used_in_the_curl_line() -> None:
    lines = guide_lines(guide(alice="a-b", bob="c-d"), [IMAPS])
    assert "  user alice@example.org   password a-b" in lines
    (curl,) = (line for line in lines if "curl" in line)
    assert shlex.split(curl) == [
        "curl",
        "--cacert",
        "/srv/my mail/tls/ca.pem",
        "--user",
        "alice@example.org:a-b",
        "imaps://localhost:1993/INBOX;MAILINDEX=1",
    ]


def test_later_the_way_to_a_new_password_is_shown() -> None:
    text = "\n".join(guide_lines(guide(), [IMAPS]))
    assert "mailhub passwd --data-dir '/srv/my mail' alice@example.org" in text
    assert "--user alice@example.org '" in text  # curl asks for it


def test_without_an_imaps_listener_there_is_no_curl_line() -> None:
    assert not any("curl" in line for line in guide_lines(guide(alice="x"), []))
