"""Many accounts with one password, made together: one by one each takes half a second."""

from __future__ import annotations

import time
from pathlib import Path

from mailhub.auth.verifiers import make_verifiers
from mailhub.config.load import load
from mailhub.service.engine import open_inline
from mailhub.service.together import at_once
from mailhub.store.hub import accounts, domains
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.standard import create_standard_folders


def add_accounts(config: Path, domain: str, names: list[str], password: str) -> None:
    """The *domain* and the accounts *names* in it, to the data directory of a server at rest."""
    loaded = load(config)
    verifiers = make_verifiers(password)
    data = DataDir(loaded.data_dir)
    data.prepare()
    engine = open_inline(loaded, data)
    now = int(time.time())
    with engine.hub.file.write() as tx:
        domains.add(tx, domain, now)
        added = [
            accounts.add(tx, f"{name}@{domain}", now, verifiers=verifiers).id for name in names
        ]
    for account in added:
        at_once(create_standard_folders(at_once(engine.store.account(account))))
    at_once(engine.close())
