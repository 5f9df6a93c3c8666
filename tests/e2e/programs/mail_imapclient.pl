# Perl: Mail::IMAPClient, over TLS.  What it says is compared in test_libraries.py.
# Arguments: host, port, user, password, certificate of the CA, folder in UTF-7, file with a message.
use strict;
use warnings;
use Mail::IMAPClient;

$| = 1;
my ($host, $port, $user, $password, $ca, $folder, $file) = @ARGV;
my $text = do { local (@ARGV, $/) = $file; <> };

my $imap = Mail::IMAPClient->new(
    Server => $host, Port => $port, User => $user, Password => $password, Uid => 1,
    Authmechanism => 'PLAIN', Ssl => [SSL_ca_file => $ca], Ignoresizeerrors => 1,
) or die "log-in: $@";

sub truth { $_[0] ? 'true' : 'false' }
sub ids { '[' . join(', ', @{ $_[0] // [] }) . ']' }

print 'capable ', truth($imap->has_capability('IDLE') && $imap->has_capability('UIDPLUS')), "\n";
$imap->create($folder) or die $imap->LastError;
print 'listed ', truth(grep { $_ eq $folder } $imap->folders), "\n";
for my $n (0 .. 2) {
    $imap->append_string('INBOX', $text, '\Flagged', '13-Sep-2020 12:26:40 +0000') or die;
}
$imap->select('INBOX') or die $imap->LastError;
print 'exists ', $imap->message_count, "\n";
$imap->Peek(1);
print 'found ', ids(scalar $imap->search(qw(CHARSET UTF-8 SUBJECT), 'Grüße')), "\n";
print 'same ', truth(!grep { $imap->message_string($_) ne $text || $imap->size($_) != length $text } 1 .. 3), "\n";
print 'date ', (split / /, $imap->internaldate(3))[0], "\n";
print 'from ', $imap->get_envelope(1)->from->[0]->mailboxname, "\n";
print 'media ', uc $imap->get_bodystructure(1)->bodytype, "\n";
$imap->store('1', '+FLAGS', '(\Seen $Forwarded)') or die $imap->LastError;
$imap->copy($folder, 1) or die $imap->LastError;
$imap->move($folder, 2) or die $imap->LastError;
$imap->delete_message(3) or die $imap->LastError;
$imap->expunge or die $imap->LastError;
print 'left ', ids(scalar $imap->messages), "\n";
print 'status ', join(' ', $imap->message_count($folder), $imap->unseen_count($folder) // 'none'), "\n";

my $idle = $imap->idle or die $imap->LastError;
print "idling\n";
my $said = $imap->idle_data(10) or die $imap->LastError;
my ($pushed) = map { /^\* (\d+) EXISTS/ } @$said;
print "pushed $pushed\n";
$imap->done($idle) or die $imap->LastError;
$imap->logout;
