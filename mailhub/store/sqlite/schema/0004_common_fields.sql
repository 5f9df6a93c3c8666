-- 0004: the header fields that clients list mailboxes by, packed; see mailhub/mime/commonfields.py.
--
--   I12 Every body has its fields, and they are what packing its header gives.

-- Apart from content, so that lists and searches do not page through it.
-- packed NULL: this header cannot be packed.
CREATE TABLE fields (
    content INTEGER PRIMARY KEY,
    packed BLOB
) STRICT;

INSERT INTO fields SELECT content, pack_fields(header) FROM body;

DROP TRIGGER arrival_is_filed;

DROP VIEW arrival;

CREATE VIEW arrival AS
    SELECT message.*, header, rest, packed,
        header_octets, thread, sent_seconds, sent_zone, has_attachment, envelope, bodystructure,
        preview, parts, message_id, reference_ids, base_subject, subject, from_text, to_text,
        cc_text, sort_from, sort_to, sort_cc, display_from, display_to
    FROM message JOIN content ON content.id = message.content
        JOIN body USING (content) JOIN fields USING (content);

CREATE TRIGGER arrival_is_filed INSTEAD OF INSERT ON arrival BEGIN
    INSERT INTO body VALUES (NEW.content, NEW.header, NEW.rest);
    INSERT INTO fields VALUES (NEW.content, NEW.packed);
    INSERT INTO content VALUES (
        NEW.content, NEW.size, NEW.header_octets, NEW.thread, NEW.sent_seconds, NEW.sent_zone,
        NEW.has_attachment, NEW.envelope, NEW.bodystructure, NEW.preview, NEW.parts,
        NEW.message_id, NEW.reference_ids, NEW.base_subject, NEW.subject, NEW.from_text,
        NEW.to_text, NEW.cc_text, NEW.sort_from, NEW.sort_to, NEW.sort_cc, NEW.display_from,
        NEW.display_to
    );
    INSERT INTO message VALUES (
        NEW.mailbox, NEW.uid, NEW.content, NEW.flags, NEW.modseq, NEW.added, NEW.received,
        NEW.zone, NEW.saved, NEW.size, NEW.uidl
    );
    UPDATE mailbox SET
        uidnext = NEW.uid + 1,
        highest_modseq = NEW.modseq,
        message_count = message_count + 1,
        unseen = unseen + (NEW.flags & 1 = 0),
        deleted = deleted + (NEW.flags & 8 <> 0),
        octets = octets + NEW.size,
        deleted_octets = deleted_octets + NEW.size * (NEW.flags & 8 <> 0),
        recent = recent + 1,
        first_unseen = coalesce(first_unseen, CASE WHEN NEW.flags & 1 = 0 THEN NEW.uid END)
    WHERE id = NEW.mailbox;
END;
