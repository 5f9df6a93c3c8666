// Java: JavaMail (now Jakarta Mail), over TLS.  What it says is compared in test_libraries.py.
// Arguments: host, port, user, password, certificate of the CA, folder, file with a message.
import com.sun.mail.imap.*;
import com.sun.mail.util.MailSSLSocketFactory;
import java.io.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.text.SimpleDateFormat;
import java.util.*;
import java.util.stream.*;
import javax.mail.*;
import javax.mail.event.*;
import javax.mail.internet.*;
import javax.mail.search.SubjectTerm;
import javax.net.ssl.*;

public class JavaMail {
    static Properties trusting(String ca) throws Exception {
        KeyStore keys = KeyStore.getInstance(KeyStore.getDefaultType());
        keys.load(null);
        try (InputStream in = new FileInputStream(ca)) {
            keys.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(keys);
        MailSSLSocketFactory sockets = new MailSSLSocketFactory();
        sockets.setTrustManagers(trust.getTrustManagers());
        Properties properties = new Properties();
        properties.put("mail.imaps.ssl.socketFactory", sockets);
        properties.put("mail.imaps.ssl.checkserveridentity", "true");
        properties.put("mail.imaps.peek", "true");
        return properties;
    }

    static String uids(UIDFolder folder, Message[] messages) throws Exception {
        List<Long> uids = new ArrayList<>();
        for (Message each : messages) uids.add(folder.getUID(each));
        return uids.toString();
    }

    static boolean same(Message message, byte[] text) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        message.writeTo(out);
        return Arrays.equals(out.toByteArray(), text) && message.getSize() == text.length;
    }

    static int count(IMAPFolder folder) {
        try {
            return folder.getMessageCount();
        } catch (MessagingException gone) {
            return -1;
        }
    }

    public static void main(String[] args) throws Exception {
        byte[] text = Files.readAllBytes(Path.of(args[6]));
        Session session = Session.getInstance(trusting(args[4]));
        IMAPStore store = (IMAPStore) session.getStore("imaps");
        store.connect(args[0], Integer.parseInt(args[1]), args[2], args[3]);
        System.out.println("capable " + (store.hasCapability("IDLE") && store.hasCapability("MOVE")
            && store.hasCapability("UIDPLUS")));
        IMAPFolder named = (IMAPFolder) store.getFolder(args[5]);
        named.create(Folder.HOLDS_MESSAGES);
        System.out.println("listed " + Stream.of(store.getDefaultFolder().list("*"))
            .anyMatch(each -> each.getFullName().equals(args[5])));
        IMAPFolder inbox = (IMAPFolder) store.getFolder("INBOX");
        for (int n = 0; n < 3; n++) {
            MimeMessage message = new MimeMessage(session, new ByteArrayInputStream(text));
            message.setFlag(Flags.Flag.FLAGGED, true);
            inbox.appendMessages(new Message[] {message});
        }
        inbox.open(Folder.READ_WRITE);
        System.out.println("exists " + inbox.getMessageCount());
        System.out.println("found " + uids(inbox, inbox.search(new SubjectTerm("Grüße"))));
        Message[] all = inbox.getMessages();
        boolean same = true;
        for (Message each : all) same = same && same(each, text);
        System.out.println("same " + same);
        System.out.println("from " + ((InternetAddress) all[0].getFrom()[0]).getAddress().split("@")[0]);
        System.out.println("media " + new ContentType(all[0].getContentType()).getPrimaryType().toUpperCase());
        Flags flags = new Flags("$Forwarded");
        flags.add(Flags.Flag.SEEN);
        all[0].setFlags(flags, true);
        inbox.copyMessages(new Message[] {all[0]}, named);
        inbox.moveMessages(new Message[] {all[1]}, named);
        all[2].setFlag(Flags.Flag.DELETED, true);
        inbox.expunge();
        System.out.println("left " + uids(inbox, inbox.getMessages()));
        System.out.println("status " + named.getMessageCount() + " " + named.getUnreadMessageCount());
        inbox.addMessageCountListener(new MessageCountAdapter() {
            @Override public void messagesAdded(MessageCountEvent event) {
                System.out.println("pushed " + count(inbox));
            }
        });
        System.out.println("idling");
        inbox.idle(true);
        store.close();
    }
}
