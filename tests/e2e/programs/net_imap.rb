# Ruby: net/imap, over STARTTLS.  What it says is compared in test_libraries.py.
# Arguments: host, port, user, password, certificate of the CA, folder, file with a message.
require "net/imap"

$stdout.sync = true
host, port, user, password, ca, folder, file = ARGV
encoded = Net::IMAP.encode_utf7(folder)
text = File.binread(file)

imap = Net::IMAP.new(host, port: port.to_i)
imap.starttls({ca_file: ca}, true)
imap.authenticate("PLAIN", user, password)
puts "capable #{%w[IDLE MOVE UIDPLUS].all? { |name| imap.capability.include?(name) }}"
imap.create(encoded)
names = imap.list("", "*").map { |each| Net::IMAP.decode_utf7(each.name) }
puts "listed #{names.include?(folder)}"
3.times { |n| imap.append("INBOX", text, [:Flagged], Time.at(1_600_000_000 + n)) }
imap.select("INBOX")
puts "exists #{imap.responses["EXISTS"][-1]}"
puts "found #{imap.uid_search(["SUBJECT", "Grüße".b], "UTF-8").inspect}"
fetched = imap.uid_fetch(1..3, %w[UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[]])
puts "same #{fetched.all? { |each| each.attr["BODY[]"] == text && each.attr["RFC822.SIZE"] == text.bytesize }}"
puts "date #{fetched[2].attr["INTERNALDATE"].split[0]}"
puts "from #{fetched[0].attr["ENVELOPE"].from[0].mailbox}"
puts "media #{fetched[0].attr["BODYSTRUCTURE"].media_type}"
imap.uid_store(1, "+FLAGS", [:Seen, "$Forwarded"])
imap.uid_copy(1, encoded)
imap.uid_move(2, encoded)
imap.uid_store(3, "+FLAGS", [:Deleted])
imap.expunge
puts "left #{imap.uid_search(["ALL"]).inspect}"
status = imap.status(encoded, %w[MESSAGES UNSEEN])
puts "status #{status["MESSAGES"]} #{status["UNSEEN"]}"

puts "idling"
imap.idle(10) do |response|
  if response.is_a?(Net::IMAP::UntaggedResponse) && response.name == "EXISTS"
    puts "pushed #{response.data}"
    imap.idle_done
  end
end
imap.logout
imap.disconnect
