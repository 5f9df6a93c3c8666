-- What an account brings along into a domain with a total may be old: without a total nobody keeps
-- it exact.  A claim of nobody (holder 0) says that its file has to be read first.
CREATE TRIGGER address_brought AFTER INSERT ON address WHEN NEW.is_primary BEGIN
    INSERT INTO claim (holder, account, octets, messages)
        SELECT 0, account, 0, 0 FROM activity WHERE account = NEW.account AND ledger_seq > 0
        AND (SELECT usage_read FROM domain WHERE name = NEW.domain) <> '';
END;

CREATE TRIGGER address_chosen_with_mail AFTER UPDATE OF is_primary ON address
WHEN NEW.is_primary > OLD.is_primary BEGIN
    INSERT INTO claim (holder, account, octets, messages)
        SELECT 0, account, 0, 0 FROM activity WHERE account = NEW.account AND ledger_seq > 0
        AND (SELECT usage_read FROM domain WHERE name = NEW.domain) <> '';
END;
