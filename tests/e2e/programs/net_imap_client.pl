# Perl: Net::IMAP::Client, over TLS.  What it says is compared in test_libraries.py.
# Arguments: host, port, user, password, certificate of the CA, folder in UTF-7, file with a message.
use strict;
use warnings;
use Net::IMAP::Client;

$| = 1;
my ($host, $port, $user, $password, $ca, $folder, $file) = @ARGV;
my $text = do { local (@ARGV, $/) = $file; <> };

my $imap = Net::IMAP::Client->new(
    server => $host, port => $port, user => $user, pass => $password,
    ssl => 1, ssl_options => { SSL_ca_file => $ca },
) or die 'no connection';
$imap->login or die $imap->last_error;

sub truth { $_[0] ? 'true' : 'false' }
sub ids { '[' . join(', ', sort @{ $_[0] // [] }) . ']' }

print 'capable ', truth(grep { $_ eq 'UIDPLUS' } @{ $imap->capability }), "\n";
$imap->create_folder($folder) or die $imap->last_error;
print 'listed ', truth(grep { $_ eq $folder } $imap->folders), "\n";
$imap->append('INBOX', \$text, ['\Flagged'], '13-Sep-2020 12:26:40 +0000') or die for 1 .. 3;
$imap->select('INBOX') or die $imap->last_error;
print 'exists ', $imap->{FOLDERS}{INBOX}{messages}, "\n";
print 'found ', ids($imap->search({ subject => 'Grüße' })), "\n";
my @same = grep { ${ $imap->get_rfc822_body($_) } eq $text } 1 .. 3;
print 'same ', truth(@same == 3), "\n";
my $summary = $imap->get_summaries([1])->[0];
print 'date ', (split / /, $summary->internaldate)[0], "\n";
print 'from ', $summary->from->[0]->mailbox, "\n";
print 'media ', uc $summary->type, "\n";
$imap->del_flags(2, '\Seen') or die $imap->last_error; # RFC822 has set it
$imap->add_flags(1, ['\Seen', '$Forwarded']) or die $imap->last_error;
$imap->copy([1, 2], $folder) or die $imap->last_error;
$imap->delete_message([2, 3]) or die $imap->last_error;
$imap->expunge or die $imap->last_error;
print 'left ', ids($imap->search('ALL')), "\n";
my $status = $imap->status($folder);
print "status $status->{MESSAGES} $status->{UNSEEN}\n";
$imap->logout;
