<?php
// PHP: Horde_Imap_Client (Nextcloud Mail's library), over TLS.
// What it says is compared in test_libraries.py.
// Arguments: host, port, user, password, certificate of the CA, folder, file with a message.
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Horde/Autoloader/Default.php';
[, $host, $port, $user, $password, $ca, $folder, $file] = $argv;
$text = file_get_contents($file);

function truth(bool $value): string { return $value ? 'true' : 'false'; }
function ids(Horde_Imap_Client_Ids $ids): string { return '[' . implode(', ', $ids->ids) . ']'; }

$imap = new Horde_Imap_Client_Socket([
    'hostspec' => $host, 'port' => (int) $port, 'username' => $user, 'password' => $password,
    'secure' => 'ssl', 'context' => ['ssl' => ['cafile' => $ca]],
]);
$imap->login();
$able = $imap->capability;
echo 'capable ', truth($able->query('IDLE') && $able->query('MOVE') && $able->query('UIDPLUS')), "\n";
$named = new Horde_Imap_Client_Mailbox($folder);
$imap->createMailbox($named);
$names = $imap->listMailboxes('*', Horde_Imap_Client::MBOX_ALL, ['flat' => true]);
echo 'listed ', truth(in_array($folder, array_map('strval', $names))), "\n";
$one = ['data' => $text, 'flags' => ['\Flagged'],
        'internaldate' => new DateTime('2020-09-13 12:26:40 +0000')];
$uids = $imap->append('INBOX', [$one, $one, $one]);
echo 'exists ', $imap->status('INBOX', Horde_Imap_Client::STATUS_MESSAGES)['messages'], "\n";
$query = new Horde_Imap_Client_Search_Query();
$query->charset('UTF-8', false);
$query->headerText('Subject', 'Grüße');
echo 'found ', ids($imap->search('INBOX', $query)['match']), "\n";
$query = new Horde_Imap_Client_Fetch_Query();
$query->fullText(['peek' => true]);
$query->size();
$query->envelope();
$query->structure();
$query->imapDate();
$query->modseq();
$same = true;
foreach ($imap->fetch('INBOX', $query, ['ids' => $uids]) as $each) {
    $same = $same && $each->getFullMsg() === $text && $each->getSize() === strlen($text);
}
echo 'same ', truth($same), "\n";
echo 'date ', $each->getImapDate()->format('d-M-Y'), "\n";
echo 'from ', $each->getEnvelope()->from[0]->mailbox, "\n";
echo 'media ', strtoupper($each->getStructure()->getPrimaryType()), "\n";
$only = fn(int $uid) => ['ids' => new Horde_Imap_Client_Ids($uid)];
$imap->store('INBOX', $only(1) + ['add' => ['\Seen', '$Forwarded']]);
$imap->copy('INBOX', $named, $only(1));
$imap->copy('INBOX', $named, $only(2) + ['move' => true]);
$imap->store('INBOX', $only(3) + ['add' => ['\Deleted']]);
$imap->expunge('INBOX', $only(3));
$sync = $imap->getSyncToken('INBOX');
echo 'left ', ids($imap->search('INBOX')['match']), "\n";
$status = $imap->status($named, Horde_Imap_Client::STATUS_MESSAGES | Horde_Imap_Client::STATUS_UNSEEN);
echo "status {$status['messages']} {$status['unseen']}\n";
echo "idling\n";
for ($tries = 0; $tries < 50; $tries++) { // it cannot IDLE; it synchronises
    $new = $imap->sync('INBOX', $sync, ['criteria' => Horde_Imap_Client::SYNC_NEWMSGSUIDS])->newmsgsuids;
    if (count($new)) {
        break;
    }
    usleep(100000);
    $imap->noop();
}
echo 'pushed ', 1 + count($new), "\n";
$imap->logout();
