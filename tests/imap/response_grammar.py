"""What a server may say, read by the formal syntax of RFC 9051 9 and nothing else.

Beside it only what extensions add that are advertised: RFC 2087 and 9208 (quota), 2971 (ID),
3501 (LSUB, RECENT), 7162 (MODSEQ, VANISHED).  A message with NUL in it is sent as it is, in an
ordinary literal: so much is allowed here against the standard.  The harness puts through it every
octet that a server sends in any test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.mime import imap_grammar

_ATOM = rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+"
_ASTRING = rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+"
_FLAG = rb"(?:\\)?" + _ATOM
_NZ = rb"[1-9]\d*"
_UIDS = rb"%b(?::%b)?(?:,%b(?::%b)?)*" % (_NZ, _NZ, _NZ, _NZ)
_FLAGS = rb"\((?:%b(?: %b)*)?\)" % (_FLAG, _FLAG)
_DATE = (
    rb'"(?: \d|\d\d)-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4}'
    rb' \d\d:\d\d:\d\d [+-]\d{4}"'
)
_CAPABILITIES = rb"CAPABILITY(?: %b)* IMAP4rev2(?: %b)*" % (_ATOM, _ATOM)
_PART = rb"%b(?:\.%b)*" % (_NZ, _NZ)
_QUOTED = (
    rb'"(?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\]|'
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*"
    rb'"'
)
_CODES = {
    "CAPABILITY": _CAPABILITIES[len("CAPABILITY") :],
    "PERMANENTFLAGS": rb" \((?:(?:%b|\\\*)(?: (?:%b|\\\*))*)?\)" % (_FLAG, _FLAG),
    "UIDNEXT": b" " + _NZ,
    "UIDVALIDITY": b" " + _NZ,
    "UNSEEN": b" " + _NZ,
    "HIGHESTMODSEQ": b" " + _NZ,
    "APPENDUID": rb" %b %b" % (_NZ, _UIDS),
    "COPYUID": rb" %b %b %b" % (_NZ, _UIDS, _UIDS),
    "MODIFIED": b" " + _UIDS,
    "BADCHARSET": rb"(?: \((?:%b|%b)(?: (?:%b|%b))*\))?" % (_ATOM, _QUOTED, _ATOM, _QUOTED),
}
_BARE = re.compile(
    r"ALERT|PARSE|READ-ONLY|READ-WRITE|TRYCREATE|UIDNOTSTICKY|UNAVAILABLE|"
    r"AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED|CONTACTADMIN|"
    r"NOPERM|INUSE|EXPUNGEISSUED|CORRUPTION|SERVERBUG|CLIENTBUG|CANNOT|LIMIT|"
    r"OVERQUOTA|ALREADYEXISTS|NONEXISTENT|NOTSAVED|HASCHILDREN|CLOSED|UNKNOWN-CTE|"
    r"NOMODSEQ|TOOBIG"
)


class Incomplete(Exception):
    """The response goes on in octets that have not come yet."""


class Responses:
    """The octets of one connection; AssertionError for what is no response."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self.utf8 = False
        """Whether IMAP4rev2 is enabled: before that, a server keeps to ASCII (9051 6.3.1)."""

    def feed(self, data: bytes) -> None:
        """Read on, as far as responses are whole."""
        self._data = self._data[self._at :] + data
        self._at = 0
        while self._data.find(b"\r\n", self._at) >= 0:
            begun = self._at
            try:
                self._response()
            except Incomplete:
                self._at = begun
                return

    @property
    def whole(self) -> bool:
        """Whether no response has begun and not ended."""
        return self._at == len(self._data)

    # --- reading

    def _take(self, pattern: bytes, what: str) -> bytes:
        match = re.compile(pattern, re.DOTALL).match(self._data, self._at)
        if match is None:
            if b"\r\n" not in self._data[self._at :]:
                raise Incomplete
            line = self._data[max(0, self._at - 200) : self._at + 200]
            raise AssertionError(f"no {what}: {self._data[self._at : self._at + 60]!r} in {line!r}")
        self._at = match.end()
        return match[0]

    def _is(self, text: bytes) -> bool:
        found = self._data.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _response(self) -> None:
        if self._is(b"+ "):
            self._text()
        elif self._is(b"* "):
            self._untagged()
        else:
            tag = self._take(_ASTRING + b" ", "tag")
            assert b"+" not in tag
            self._take(b"(?:OK|NO|BAD) ", "status")
            self._text()
        self._take(b"\r\n", "end of line")

    def _untagged(self) -> None:
        word = self._take(rb"\d+|[A-Z]+", "response")
        if word.isdigit():
            self._numbered(word)
            return
        rule = UNTAGGED.get(word.decode())
        assert rule is not None, f"no such response: {word!r}"
        rule(self)

    def _numbered(self, number: bytes) -> None:
        kind = self._take(rb" (?:EXISTS|RECENT|EXPUNGE|FETCH)", "kind of response")
        assert number == b"0" or not number.startswith(b"0")
        if kind == b" FETCH":
            assert int(number)
            self._take(rb" \(", "list")
            self._fetch_item()
            while not self._is(b")"):
                self._take(b" ", "space")
                self._fetch_item()
        elif kind == b" EXPUNGE":
            assert int(number)

    def _condition(self) -> None:
        self._take(b" ", "space")
        self._text()

    def _text(self) -> None:
        if self._is(b"["):
            name = self._take(_ATOM.replace(rb"\[", b""), "response code").decode()
            if not _BARE.fullmatch(name):
                self._take(_CODES.get(name, rb"(?: [^\r\n\]]+)?"), f"arguments of {name}")
            self._take(rb"\] ", "end of the code")
        text = self._take(rb"[^\r\n\0]*(?=\r\n)", "text")
        text.decode("utf-8" if self.utf8 else "ascii")

    def _nstring(self, *, binary: bool = False) -> None:
        if self._is(b"NIL"):
            return
        if self._data.startswith(b'"', self._at):
            self._quoted()
            return
        head = self._take(rb"~?\{\d+\}\r\n" if binary else rb"\{\d+\}\r\n", "string")
        size = int(head.strip(b"~{}\r\n"))
        if self._at + size > len(self._data):
            raise Incomplete
        self._at += size

    def _quoted(self) -> None:
        quoted = self._take(_QUOTED, "quoted string")
        assert self.utf8 or quoted.isascii(), quoted

    def _astring(self) -> None:
        if self._data[self._at : self._at + 1] in (b'"', b"{"):
            self._nstring()
        else:
            self._take(_ASTRING, "astring")

    def _list_of(self, item: Callable[[], object]) -> None:
        self._take(rb"\(", "list")
        item()
        while not self._is(b")"):
            self._take(b" ", "space")
            item()

    # --- FETCH

    def _fetch_item(self) -> None:
        name = self._take(rb"[A-Z0-9.]+", "data item").decode()
        if name == "BODY" and self._is(b"["):
            self._section()
            self._take(rb"\](?:<\d+>)? ", "end of the section")
            self._nstring()
        elif name == "BINARY":
            self._take(rb"\[(?:%b)?\](?:<\d+>)? " % _PART, "part")
            self._nstring(binary=True)
        elif name == "BINARY.SIZE":
            self._take(rb"\[(?:%b)?\] \d+" % _PART, "size")
        elif name in ("RFC822", "RFC822.HEADER", "RFC822.TEXT"):
            self._take(b" ", "space")
            self._nstring()
        elif name in ("ENVELOPE", "BODY", "BODYSTRUCTURE"):
            self._take(b" ", "space")
            self._structure(name)
        else:
            assert name in _SIMPLE, name
            self._take(b" " + _SIMPLE[name], name)

    def _section(self) -> None:
        if self._take(rb"(?:%b)?" % _PART, "part") and not self._is(b"."):
            return
        text = self._take(rb"(?:HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME)?", "section")
        if text.startswith(b"HEADER.FIELDS"):
            self._take(b" ", "space")
            self._list_of(self._astring)

    def _structure(self, name: str) -> None:
        try:
            value, self._at = imap_grammar.read_value(self._data, self._at)
        except AssertionError:
            if not self._data.endswith(b")\r\n"):
                raise Incomplete from None
            raise
        assert isinstance(value, list)
        if name == "ENVELOPE":
            imap_grammar.check_envelope(value)
        else:
            imap_grammar.check_body(value, name == "BODYSTRUCTURE")

    # --- mailboxes

    def _mailbox_list(self) -> None:
        self._take(rb" \((?:\\[A-Za-z]+(?: \\[A-Za-z]+)*)?\) (?:\"/\"|NIL) ", "list flags")
        self._astring()
        if self._is(b" ("):
            self._at -= 1
            self._list_of(self._extended_item)

    def _extended_item(self) -> None:
        self._astring()
        self._take(b" ", "space")
        self._list_of(self._astring)

    def _status(self) -> None:
        self._take(b" ", "space")
        self._astring()
        pair = rb"[A-Z-]+ \d+"
        self._take(rb" \((?:%b(?: %b)*)?\)" % (pair, pair), "status list")

    def _esearch(self) -> None:
        if self._is(b" (TAG "):
            self._astring()
            self._take(rb"\)", "end of the correlator")
        self._is(b" UID")
        data = rb"(?: (?:MIN|MAX|MODSEQ) %b| COUNT \d+| ALL %b)*" % (_NZ, _UIDS)
        self._take(data, "search data")

    def _namespace(self) -> None:
        one = rb"(?:NIL|\((?:\(%b (?:%b|NIL)\))+\))" % (_QUOTED, _QUOTED)
        self._take(rb" %b %b %b" % (one, one, one), "three namespaces")

    def _id(self) -> None:
        self._take(b" ", "space")
        if not self._is(b"NIL"):
            self._list_of(self._nstring)

    def _quota(self) -> None:
        self._take(b" ", "space")
        self._astring()
        triple = rb"%b \d+ \d+" % _ATOM
        self._take(rb" \((?:%b(?: %b)*)?\)" % (triple, triple), "resources")

    def _quotaroot(self) -> None:
        while self._is(b" "):
            self._astring()

    def _enabled(self) -> None:
        enabled = self._take(rb"(?: %b)*(?=\r\n)" % _ATOM, "capabilities")
        self.utf8 = self.utf8 or b"IMAP4rev2" in enabled.split()

    def _rest(self, pattern: bytes) -> None:
        self._take(pattern + rb"(?=\r\n)", "data")


_SIMPLE = {
    "FLAGS": _FLAGS,
    "INTERNALDATE": _DATE,
    "RFC822.SIZE": rb"\d+",
    "UID": _NZ,
    "MODSEQ": rb"\(%b\)" % _NZ,
}
UNTAGGED: dict[str, Callable[[Responses], Any]] = {
    **dict.fromkeys(("OK", "NO", "BAD", "BYE", "PREAUTH"), Responses._condition),
    **dict.fromkeys(("LIST", "LSUB", "XLIST"), Responses._mailbox_list),
    "FLAGS": lambda on: on._rest(b" " + _FLAGS),
    "STATUS": Responses._status,
    "SEARCH": lambda on: on._rest(rb"(?: %b)*(?: \(MODSEQ %b\))?" % (_NZ, _NZ)),
    "ESEARCH": Responses._esearch,
    "CAPABILITY": lambda on: on._rest(_CAPABILITIES[len("CAPABILITY") :]),
    "ENABLED": Responses._enabled,
    "NAMESPACE": Responses._namespace,
    "ID": Responses._id,
    "QUOTA": Responses._quota,
    "QUOTAROOT": Responses._quotaroot,
    "VANISHED": lambda on: on._rest(rb"(?: \(EARLIER\))? " + _UIDS),
}
