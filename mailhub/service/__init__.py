"""The composition root: a configuration in, a running server out.

Only this package knows everyone.  ``twist mailhub`` comes in at :mod:`.plugin`.

- :mod:`.plugin`     the command line of ``twist mailhub``, and what it says when it cannot start
- :mod:`.server`     the life of a server: start, reload, stop
- :mod:`.engine`     data directory, hub, bell, store and the threads they work in
- :mod:`.serving`    portal and factories, from :mod:`mailhub.embed` as anybody would use them
- :mod:`.listeners`  addresses to sockets
- :mod:`.monitor`    /metrics, /healthz and /readyz
- :mod:`.control`    what the command line may ask of a running server
- :mod:`.embedded`   the set-up without a file: example accounts, sample mail, private CA
- :mod:`.banner`     what a person reads when it has started
"""
