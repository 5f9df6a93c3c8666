"""Each bundled sample is what it is meant to show."""

from __future__ import annotations

import re
import struct
import zlib
from importlib.resources import files

import pytest

from mailhub.mime.analysis import Analysis
from mailhub.mime.casemap import casemap
from mailhub.mime.content import content_disposition, content_type
from mailhub.mime.headers import collect
from mailhub.mime.parts import Part, PartTable
from mailhub.mime.scanner import analyse
from mailhub.mime.searchtext import text_contains
from mailhub.mime.transfer import decode
from mailhub.mime.words import decode_parameter
from mailhub.model.flags import SYSTEM_FLAGS
from mailhub.samples import Sample, messages
from tests.mime import imap_grammar

SAMPLES = {sample.name: sample for sample in messages()}
all_samples = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def analysis(name: str) -> Analysis:
    return analyse(SAMPLES[name].data)


def parts(name: str) -> list[Part]:
    return list(PartTable.decode(analysis(name).parts).root.walk())


def body(sample: Sample, part: Part) -> bytes:
    return sample.data[part.body_offset : part.body_offset + part.body_octets]


def file_names(name: str) -> list[str]:
    """What a client would call the attachments, by disposition or else by type."""
    found = []
    for part in parts(name):
        end = part.mime_offset + part.mime_octets
        header = SAMPLES[name].data[part.mime_offset : end]
        fields = collect(header, frozenset((b"content-type", b"content-disposition")))
        disposition = content_disposition(fields.get(b"content-disposition", [b""])[0])
        named = decode_parameter(disposition[1], b"filename") if disposition else None
        if named is None and b"content-type" in fields:
            parameters = content_type(fields[b"content-type"][0]).parameters
            named = decode_parameter(parameters, b"name")
        if named is not None:
            found.append(named)
    return found


def test_there_are_about_fifty_in_several_folders() -> None:
    assert 45 <= len(SAMPLES) <= 60
    assert {sample.mailbox for sample in SAMPLES.values()} == {
        *("INBOX", "Sent", "Drafts", "Archive", "Junk", "Projects/Aurora", "Lists/Stargazers"),
    }


def test_every_file_is_in_the_index() -> None:
    stored = [entry.name for entry in files("mailhub.samples").joinpath("mail").iterdir()]
    assert sorted(name for name in stored if name.endswith(".eml")) == sorted(
        f"{name}.eml" for name in SAMPLES
    )


def test_they_never_change() -> None:
    assert messages() == messages()


def test_within_a_folder_they_are_in_order_of_arrival() -> None:
    for mailbox in {sample.mailbox for sample in SAMPLES.values()}:
        dates = [s.date.seconds for s in SAMPLES.values() if s.mailbox == mailbox]
        assert dates == sorted(dates)


@all_samples
def test_lines_end_as_on_the_wire(sample: Sample) -> None:
    rest = sample.data.replace(b"\r\n", b"")
    assert b"\n" not in rest
    assert b"\r" not in rest
    assert b"\0" not in rest
    assert max(map(len, sample.data.split(b"\r\n"))) <= 998


@all_samples
def test_everybody_is_fictional(sample: Sample) -> None:  # RFC 2606
    hosts = re.findall(rb"@([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})", sample.data)
    assert all(re.search(rb"(^|\.)example\.(org|com|net)$", host) for host in hosts), hosts


@all_samples
def test_flags_are_system_flags_or_keywords(sample: Sample) -> None:
    assert all(flag in SYSTEM_FLAGS or flag[0] == "$" for flag in sample.flags)


@all_samples
def test_each_is_presented_in_valid_imap(sample: Sample) -> None:
    found = analyse(sample.data)
    imap_grammar.envelope(found.envelope)
    imap_grammar.bodystructure(found.bodystructure)
    assert found.preview


@all_samples
def test_images_and_documents_are_real_ones(sample: Sample) -> None:
    for part in PartTable.decode(analyse(sample.data).parts).root.walk():
        data = decode(body(sample, part), part.encoding) if part.encoding == "base64" else b""
        if part.media == "image/png":
            check_png(data)
        elif part.media == "application/pdf":
            check_pdf(data)


def check_png(data: bytes) -> None:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position = 8
    while position < len(data):
        (octets,) = struct.unpack_from(">I", data, position)
        chunk = data[position + 4 : position + 8 + octets]
        assert struct.unpack_from(">I", data, position + 8 + octets) == (zlib.crc32(chunk),)
        position += 12 + octets
    assert data.endswith(b"IEND\xaeB`\x82")


def check_pdf(data: bytes) -> None:
    assert data.startswith(b"%PDF-1.4\n")
    table = int(data.split(b"startxref\n")[1].split(b"\n")[0])
    assert data[table:].startswith(b"xref\n")
    for number, offset in enumerate(re.findall(rb"(\d{10}) 00000 n", data), start=1):
        assert data[int(offset) :].startswith(b"%d 0 obj" % number)


@pytest.mark.parametrize(
    ("name", "subject", "sender", "preview"),
    [
        ("japanese", "望遠鏡の鏡について", "山田 花子", "アリス様 お世話に"),
        ("russian", "Наблюдения за август", "Иван Петров", "Здравствуйте, Алиса!"),
        ("chinese", "相机已经寄出", "王小明", "爱丽丝，你好： 相机"),
        ("old-program-8bit-headers", "Påmindelse: møde på fredag", "Søren Kjær", "Hej Alice"),
        ("sent-french", "Dîner à Noël", "Alice Moreau", "Cher André, le dîner"),
        ("archive-korean", "관측 일정", "김민준", "안녕하세요 앨리스,"),
        ("archive-greek-hebrew", "Καλημέρα שלום", "Ελένη Γεωργίου", "Καλημέρα Αλίκη,"),
        ("archive-international", "Grüße – これは UTF-8", "Jürgen Weiß", "Diese Nachricht"),
        ("list-polish", "[Stargazers] Zlot miłośników", "Grażyna Wójcik", "Zapraszamy na zlot"),
        ("newsletter-html-only", "🌕 Total lunar", "The Sky This Month ✨", "Total lunar eclipse"),
        ("aurora-kickoff-re-juergen", "Re: Aurora: kick-off", "Jürgen Weiß", "Am 02.09.25"),
        ("group-address", "Minutes, 8 September", "Amara Diallo", "The minutes are"),
        ("obsolete-syntax", "How we used to write", "Wilbur Knox", "These headers follow"),
        ("no-subject-undisclosed", "", "Facilities", "The lift in the east wing"),
        ("empty-subject", "", "Bob Okafor", "Are you still in the building?"),
        ("junk-prize", " CONGRATULATI0NS 💰💰", "International Prize Office", "DEAR W1NNER!!!"),
        ("broken-mime", "Your order № 4711", "Shop", "Your order of two eyepieces (€ 79.90)"),
    ],
)
def test_texts_read_as_their_authors_meant_them(
    name: str, subject: str, sender: str, preview: str
) -> None:
    found = analysis(name)
    assert found.subject.startswith(subject)
    assert found.display_from == casemap(sender)
    assert found.preview.startswith(preview)


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("welcome", "text/plain"),
        ("aurora-kickoff", "multipart/alternative text/plain text/html"),
        ("inline-image", "multipart/related multipart/alternative text/plain text/html image/png"),
        (
            "calendar-invitation",
            "multipart/mixed multipart/alternative text/plain text/html text/calendar"
            " application/ics",
        ),
        ("bounce", "multipart/report text/plain message/delivery-status message/rfc822 text/plain"),
        (
            "read-receipt",
            "multipart/report text/plain message/disposition-notification text/rfc822-headers",
        ),
        ("signed", "multipart/signed text/plain application/pgp-signature"),
        (
            "forwarded-as-attachment",
            "multipart/mixed text/plain message/rfc822 text/plain message/rfc822 multipart/mixed"
            " multipart/alternative text/plain text/html image/png message/rfc822 text/plain",
        ),
        (
            "list-digest",
            "multipart/mixed text/plain text/plain multipart/digest message/rfc822 text/plain"
            " message/rfc822 text/plain text/plain",
        ),
        (
            "aurora-drawings",
            "multipart/mixed multipart/related text/html image/png image/png"
            " application/octet-stream",
        ),
        ("archive-international", "multipart/mixed text/plain message/global text/plain"),
        ("monitoring-alert", "multipart/mixed text/plain text/x-log"),
        ("broken-mime", "multipart/mixed text/plain application/pdf"),
    ],
)
def test_parts_are_those_that_were_put_in(name: str, media: str) -> None:
    assert [part.media for part in parts(name)] == media.split()


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("aurora-kickoff-re-chloe", ["Devis station météo – septembre 2025.pdf"]),
        ("aurora-mount-4", ["Angebot Zahnräder.pdf", "tooth.png"]),
        ("aurora-drawings", ["図面1.png", "図面2.dxf"]),
        ("sent-budget", ["Budget 2026 (Entwurf).ods"]),
        ("contact-and-table", ["Priya Raman.vcf", "seeing 2025-09-07.csv"]),
        ("forwarded-as-attachment", ["first answer.eml", "drawing.png"]),
        ("broken-mime", ["invoice 4711.pdf"]),
    ],
)
def test_file_names_are_decoded(name: str, names: list[str]) -> None:
    assert file_names(name) == names
    assert analysis(name).has_attachment


@pytest.mark.parametrize(
    "name", ["welcome", "aurora-kickoff", "bounce", "inline-image", "signed", "list-digest"]
)
def test_these_have_no_attachment(name: str) -> None:
    assert not analysis(name).has_attachment


@pytest.mark.parametrize(
    ("root", "replies"),
    [
        ("aurora-kickoff", ["sent-kickoff-re", "aurora-kickoff-re-juergen"]),
        ("aurora-kickoff", ["aurora-kickoff-re-chloe"]),
        ("sent-guest-talk", ["flowed-reply"]),
        ("sent-budget", ["read-receipt"]),
        ("group-address", ["draft-answer"]),
        ("aurora-mount-1", ["aurora-mount-2", "aurora-mount-3", "aurora-mount-4"]),
        ("list-filter-1", ["list-filter-2", "list-filter-3", "list-filter-4"]),
    ],
)
def test_answers_refer_to_what_they_answer(root: str, replies: list[str]) -> None:
    for reply in replies:
        assert analysis(reply).references[0] == analysis(root).message_id


def test_message_ids_are_unique() -> None:
    ids = {name: analysis(name).message_id for name in SAMPLES}
    assert {name for name, found in ids.items() if not found} == {"draft-unfinished", "broken-mime"}
    given = [found for found in ids.values() if found]
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("japanese", "主鏡の検査"),
        ("russian", "ЯСНЫХ НОЧЕЙ"),
        ("chinese", "大约十天到"),
        ("old-program-8bit-headers", "RUNDSTYKKER"),
        ("archive-greek-hebrew", "ההרצאה"),
        ("forwarded-as-attachment", "how much is a mast"),
        ("bounce", "5.1.1"),
        ("aurora-drawings", "図面"),
        ("newsletter-html-only", "chair & a warm"),
    ],
)
def test_they_are_found_by_what_they_say(name: str, text: str) -> None:
    data = SAMPLES[name].data
    table = PartTable.decode(analysis(name).parts)
    assert text_contains(table, lambda at, octets: data[at : at + octets], casemap(text))


def test_some_lines_need_dot_stuffing_and_one_is_as_long_as_may_be() -> None:
    lines = SAMPLES["dots-and-long-lines"].data.split(b"\r\n")
    assert b"." in lines
    assert b".. two dots" in lines
    assert b"x" * 998 in lines
    assert lines[-1] == b"the last line has no line break"


def test_a_group_is_shown_as_one() -> None:
    recipients = imap_grammar.envelope(analysis("group-address").envelope)[5]
    assert [address[2:] for address in recipients] == [
        [b"Board", None],
        [b"alice", b"example.org"],
        [b"bob", b"example.org"],
        [None, None],
        [b"Guests", None],
        [None, None],
    ]


def test_obsolete_syntax_is_understood() -> None:
    fields = imap_grammar.envelope(analysis("obsolete-syntax").envelope)
    assert fields[2] == [[b"Wilbur Knox", b"@relay.example.com", b"wilbur", b"example.com"]]
    assert fields[5] == [[None, None, b"alice", b"example.org"]]
    assert analysis("obsolete-syntax").sent_seconds == 1757387160
    assert analysis("obsolete-syntax").message_id == "850908.2206@example.com"
