"""The composition root: a configuration in, a running server out.

Only this package knows everyone.  ``twist mailhub`` comes in at :mod:`.plugin`.

One process, or each of several workers:

- :mod:`.running`    everything that a serving process has open, and closing it in order
- :mod:`.engine`     data directory, hub, bell, store and the threads they work in
- :mod:`.serving`    portal and factories, from :mod:`mailhub.embed` as anybody would use them
- :mod:`.people`     whoever may have mail: the hub alone, or with directories
- :mod:`.quotas`     what works for quotas in the background
- :mod:`.sockets`    listeners to doors
- :mod:`.reload`     what a changed configuration changes; :mod:`.changes` says what it cannot
- :mod:`.control`    what the command line may ask
- :mod:`.process`    what a serving process asks of Python and the system

The life of a server:

- :mod:`.plugin`     the command line of ``twist mailhub``, and what it says when it cannot start
- :mod:`.server`     start, reload, stop of a server that is one process
- :mod:`.supervisor` the same with several workers; :mod:`.crew` starts and looks after them
- :mod:`.template`   the process that workers are forked from, :mod:`.processes` its view from above
- :mod:`.worker`     one of several
- :mod:`.memory`     what they share
- :mod:`.messages`   what they say to each other, over :mod:`.packets` and :mod:`.link`
- :mod:`.opening`    listening sockets and the control socket
- :mod:`.status`     what ``mailhub server status`` is told
- :mod:`.logs`       where events go
- :mod:`.embedded`   the set-up without a file: example accounts, sample mail, private CA
- :mod:`.banner`     what a person reads when it has started

For other Twisted applications:

- :mod:`.strcred`    ``--auth mailhub-local`` and ``--auth ldap``, by :mod:`.standalone`
"""
