INSERT INTO account VALUES (1, '00000001', 'abcdefgh', 12, 10001, 'boot', 1000001, 7, 10, 1, 3);
INSERT INTO mailbox VALUES
    (1, 'INBOX', 1000000, 8, 12, 1, 1, 0, 10, 0, 1, 1, 7, 'Red', ''),
    (2, 'work', 1000001, 1, 2, 0, 0, 0, 0, 0, 0, 1, NULL, '', '\Archive');
INSERT INTO subscription VALUES ('INBOX');
INSERT INTO message VALUES (1, 7, 7, 32, 12, 11, 1000000, 60, 1000000, 10, 'old-style-7');
INSERT INTO body VALUES (7, CAST('A: b' || char(13, 10, 13, 10) AS BLOB), CAST('hi' AS BLOB));
INSERT INTO content VALUES
    (7, 10, 8, 7, NULL, 0, 0, x'28', x'28', '', x'', '', '', '', '', '', '', '', '', '', '', '', '');
INSERT INTO tombstone VALUES (1, 1, 6, 10);
