<?php
// PHP's imap functions, which are the c-client library (Pine's), over TLS.
// What it says is compared in test_libraries.py.
// Arguments: host, port, user, password, certificate of the CA, folder, file with a message.
[, $host, $port, $user, $password, $ca, $folder, $file] = $argv;
$text = file_get_contents($file);
// c-client knows no CA but the system's, and at STARTTLS no TLS newer than 1.0.
$server = '{' . "$host:$port/imap/ssl/novalidate-cert" . '}';
$encoded = mb_convert_encoding($folder, 'UTF7-IMAP', 'UTF-8');

function truth(bool $value): string { return $value ? 'true' : 'false'; }

$imap = imap_open($server . 'INBOX', $user, $password) or die(imap_last_error());
imap_createmailbox($imap, $server . $encoded) or die(imap_last_error());
echo 'listed ', truth(in_array($server . $encoded, imap_list($imap, $server, '*'))), "\n";
for ($n = 0; $n < 3; $n++) {
    imap_append($imap, $server . 'INBOX', $text, '\Flagged', '13-Sep-2020 12:26:40 +0000')
        or die(imap_last_error());
}
echo 'exists ', imap_num_msg($imap), "\n";
$found = imap_search($imap, 'SUBJECT "Grüße"', SE_UID, 'UTF-8') ?: [];
echo 'found [', implode(', ', $found), "]\n";
$same = true;
foreach ([1, 2, 3] as $uid) {
    $whole = imap_fetchheader($imap, $uid, FT_UID) . imap_body($imap, $uid, FT_UID | FT_PEEK);
    $same = $same && $whole === $text;
}
echo 'same ', truth($same), "\n";
$overview = imap_fetch_overview($imap, '1', FT_UID)[0];
echo 'date ', gmdate('d-M-Y', $overview->udate), "\n";
$header = imap_rfc822_parse_headers(imap_fetchheader($imap, 1, FT_UID));
echo 'from ', $header->from[0]->mailbox, "\n";
echo 'media ', ['TEXT', 'MULTIPART'][imap_fetchstructure($imap, 1, FT_UID)->type], "\n";
imap_setflag_full($imap, '1', '\Seen $Forwarded', ST_UID) or die(imap_last_error());
imap_mail_copy($imap, '1', $encoded, CP_UID) or die(imap_last_error());
imap_mail_move($imap, '2', $encoded, CP_UID) or die(imap_last_error());
imap_delete($imap, '3', FT_UID) or die(imap_last_error());
imap_expunge($imap) or die(imap_last_error());
echo 'left [', implode(', ', imap_search($imap, 'ALL', SE_UID)), "]\n";
$status = imap_status($imap, $server . $encoded, SA_ALL);
echo "status $status->messages $status->unseen\n";
imap_close($imap);
