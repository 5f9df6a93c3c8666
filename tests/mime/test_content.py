"""Content-Type and its companions, as they really come (RFC 2045, 2183)."""

from __future__ import annotations

import pytest

from mailhub.mime.content import content, content_disposition, content_type, parameters


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"; a=b", ((b"a", b"b"),)),
        (b'; a="b c"; D=e', ((b"a", b"b c"), (b"D", b"e"))),
        (b'; a="b\\"c\\\\"', ((b"a", b'b"c\\'),)),
        (b"; a = b ; c\t=\td", ((b"a", b"b"), (b"c", b"d"))),
        (b'; a="b"c; d=e', ((b"a", b"b"), (b"d", b"e"))),
        (b'; a="b; c=d', ((b"a", b"b; c=d"),)),
        (b"; a=b (comment)", ((b"a", b"b"),)),
        (b"; a=b(1).txt", ((b"a", b"b(1).txt"),)),
        (b"; a=my file.txt; c=d", ((b"a", b"my file.txt"), (b"c", b"d"))),
        (b"; a=", ((b"a", b""),)),
        (b'; a=""', ((b"a", b""),)),
        (b"; =b; c=d", ((b"c", b"d"),)),
        (b"; a; c=d", ((b"c", b"d"),)),
        (b"; a=b=c", ((b"a", b"b=c"),)),
        (b"; a=1; a=2", ((b"a", b"1"), (b"a", b"2"))),
        (b'; "a"=b', ()),
        (b";;;", ()),
        (b"", ()),
    ],
)
def test_parameters(value: bytes, found: tuple[tuple[bytes, bytes], ...]) -> None:
    assert parameters(value) == found


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        (b"text/plain; charset=UTF-8", "utf-8"),
        (b'text/plain; Charset="us-ascii"; charset=x', "us-ascii"),
        (b"text/plain; format=flowed", ""),
        (b"nonsense", "us-ascii"),
    ],
)
def test_the_charset_is_the_first_one_named(value: bytes, charset: str) -> None:
    assert content_type(value).charset == charset


def test_trailing_space_is_no_part_of_a_boundary() -> None:  # 2046 5.1.1
    assert content_type(b'multipart/mixed; boundary="a b  "').boundary == b"a b"


@pytest.mark.parametrize(
    ("value", "kind", "names"),
    [
        (b"attachment", b"attachment", []),
        (b"Inline; filename=a", b"Inline", [b"filename"]),
        (b"filename=a", b"attachment", [b"filename"]),
        (b'attachment filename="a"', b"attachment", [b"filename"]),
    ],
)
def test_dispositions(value: bytes, kind: bytes, names: list[bytes]) -> None:
    found = content_disposition(value)
    assert found is not None
    assert (found[0], [name for name, _ in found[1]]) == (kind, names)


@pytest.mark.parametrize("value", [b"", b";", b"; filename=a"])
def test_no_disposition(value: bytes) -> None:
    assert content_disposition(value) is None


def test_languages_are_separate_tags() -> None:
    assert content({b"content-language": [b"de, en-GB (x)"]}).language == (b"de", b"en-GB", b"x")


@pytest.mark.parametrize("value", [b"", b"()", b";"])
def test_no_encoding_is_7bit(value: bytes) -> None:
    assert content({b"content-transfer-encoding": [value]}).encoding == b"7bit"


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b"(comment) BASE64 (another)", b"BASE64"),
        (b"base64(x(y)\\)z)", b"base64"),
        (b"quoted-printable (never closed", b"quoted-printable"),
    ],
)
def test_comments_are_no_encoding(value: bytes, encoding: bytes) -> None:
    assert content({b"content-transfer-encoding": [value]}).encoding == encoding


@pytest.mark.parametrize(
    ("value", "media", "charset"),
    [
        (b"(a;b)text (c) / (d(e)) html (f); charset=x", "text/html", "x"),
        (b"text/html (\\)); charset=x (g)", "text/html", "x"),
        (b"text/html (never closed; charset=x", "text/html", "x"),
        (b"text/html) ; charset=x", "text/html", "x"),
    ],
)
def test_comments_are_no_part_of_a_media_type(value: bytes, media: str, charset: str) -> None:
    found = content_type(value)
    assert (found.media, found.charset) == (media, charset)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"(c) attachment (d); filename=a", (b"attachment", ((b"filename", b"a"),))),
        (b'attachment; filename="a (1).txt"', (b"attachment", ((b"filename", b"a (1).txt"),))),
        (b'attachment filename="a (1).txt"', (b"attachment", ((b"filename", b"a (1).txt"),))),
        (b"filename=a (1).txt", (b"attachment", ((b"filename", b"a (1).txt"),))),
    ],
)
def test_comments_are_no_disposition(
    value: bytes, found: tuple[bytes, tuple[tuple[bytes, bytes], ...]]
) -> None:
    assert content_disposition(value) == found
