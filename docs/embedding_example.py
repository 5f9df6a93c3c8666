"""IMAP and POP3 over one portal and a realm of your own."""

import sys
from pathlib import Path

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import task
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import serverFromString
from zope.interface import implementer

from mailhub.config.options import AuthConfig
from mailhub.embed import Host, IMAP4Factory, POP3Factory
from mailhub.interfaces import IAccount
from mailhub.store.runner import ThreadRunner
from mailhub.store.sqlite.seams import LocalAccounts, LocalFiles
from mailhub.store.sqlite.store import SqliteStore


@implementer(IRealm)
class Realm:
    def __init__(self, store, accounts):
        self.store, self.accounts = store, accounts

    def requestAvatar(self, user, mind, *interfaces):
        opening = ensureDeferred(self.store.account(self.accounts[user]))
        return opening.addCallback(lambda account: (IAccount, account, lambda: None))


async def main(reactor, folder, imap="tcp:1143", pop3="tcp:1110"):
    host, known = Host(reactor), LocalAccounts()
    runner = ThreadRunner(reactor, host.agenda, readers=2, writers=2)
    store = SqliteStore(LocalFiles(Path(folder)), known, runner)
    runner.start()
    reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(store.stop()))
    reactor.addSystemEventTrigger("after", "shutdown", runner.stop)
    await store.start()

    realm = Realm(store, {b"ann": known.add("ann@example.org")})
    portal = Portal(realm, [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
    shared = {"host": host, "auth": AuthConfig(plaintext="loopback")}
    for where, factory in ((imap, IMAP4Factory), (pop3, POP3Factory)):
        endpoint = serverFromString(reactor, f"{where}:interface=127.0.0.1")
        port = await endpoint.listen(factory(portal, **shared))
        print(factory.__name__, "on port", port.getHost().port, flush=True)
    await Deferred()  # until somebody stops the reactor


if __name__ == "__main__":
    task.react(lambda reactor, *arguments: ensureDeferred(main(reactor, *arguments)), sys.argv[1:])
