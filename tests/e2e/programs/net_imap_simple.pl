# Perl: Net::IMAP::Simple, over TLS.  What it says is compared in test_libraries.py.
# Arguments: host, port, user, password, certificate of the CA, folder in UTF-7, file with a message.
use strict;
use warnings;
use Net::IMAP::Simple;

$| = 1;
my ($host, $port, $user, $password, $ca, $folder, $file) = @ARGV;
my $text = do { local (@ARGV, $/) = $file; <> };

my $imap = Net::IMAP::Simple->new("$host:$port", use_ssl => 1, ssl_options => [ SSL_ca_file => $ca ])
    or die $Net::IMAP::Simple::errstr;
$imap->login($user, $password) or die $imap->errstr;

sub truth { $_[0] ? 'true' : 'false' }

$imap->create_mailbox($folder) or die $imap->errstr;
print 'listed ', truth(grep { $_ eq $folder } $imap->mailboxes), "\n";
$imap->put('INBOX', $text, '\Flagged') or die $imap->errstr for 1 .. 3;
print 'exists ', $imap->select('INBOX'), "\n";
print 'found [', join(', ', $imap->search('SUBJECT "Wien"')), "]\n";
my @same = grep { join('', @{ $imap->get($_) }) eq $text && $imap->list($_) == length $text } 1 .. 3;
print 'same ', truth(@same == 3), "\n";
$imap->unsee(2);
$imap->add_flags(1, '\Seen', '$Forwarded') or die $imap->errstr;
$imap->copy($_, $folder) or die $imap->errstr for 1, 2;
$imap->delete('2,3') or die $imap->errstr;
$imap->expunge_mailbox or die $imap->errstr;
my ($unseen, undef, $count) = $imap->status($folder);
print "left [", join(', ', $imap->search('ALL')), "]\n";
print "status $count $unseen\n";
$imap->quit;
