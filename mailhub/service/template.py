"""The process that workers are forked from: ``python -m mailhub.service.template FD``.

It has loaded all that a worker needs and has nothing running: no reactor, no thread, no open
database.  So a worker is there in some milliseconds, whether it is the first or takes the place of
one that died, and what has been loaded is in memory once.  It ends when its parent is gone; workers
notice that for themselves.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from mailhub.net.listen import Listening
from mailhub.service import worker
from mailhub.service.messages import Ended, Equip, Made, Order
from mailhub.service.packets import receive, send
from mailhub.store.hub.datadir import DataDir


class Template:
    """*parent*: where orders come from."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._equipment: worker.Equipment | None = None
        self._children: dict[int, int] = {}
        """Descriptors of processes and their pids."""
        self._events = select.poll()
        self._events.register(parent, select.POLLIN)

    def run(self) -> None:
        """Until the parent is gone."""
        while True:
            for descriptor, _ in self._events.poll():
                if descriptor in self._children:
                    self._bury(descriptor)
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        received = receive(self._parent)
        if received is None:
            return False
        message, descriptors = received
        match message:
            case Equip():
                self._equipment = _equipment(message, *descriptors)
            case Order():
                self._make(message, socket.socket(fileno=descriptors[0]))
        return True

    def _make(self, order: Order, channel: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            self._become(order, channel)
        channel.close()
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid
        self._events.register(descriptor, select.POLLIN)
        self._tell(Made(order.number, pid))

    def _become(self, order: Order, channel: socket.socket) -> None:
        """A worker, until it ends; never returns."""
        status = 1
        try:
            self._parent.close()
            for descriptor in self._children:
                os.close(descriptor)
            Path("/proc/self/comm").write_text(f"mailhub {order.number}")
            assert self._equipment is not None
            worker.main(order, channel, self._equipment)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _bury(self, descriptor: int) -> None:
        pid = self._children.pop(descriptor)
        self._events.unregister(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        self._tell(Ended(pid, os.waitstatus_to_exitcode(status)))

    def _tell(self, message: Made | Ended) -> None:
        with suppress(ConnectionError):  # gone: that is what is received next
            send(self._parent, message)


def _equipment(message: Equip, memory: int, *sockets: int) -> worker.Equipment:
    # The lock is this process's and all workers' together, as long as one of them has it open.
    membership = DataDir(message.data_dir).join_server()
    listening = [
        Listening(listener, socket.socket(fileno=descriptor))
        for listener, descriptor in zip(message.listeners, sockets, strict=True)
    ]
    return worker.Equipment(memory, listening, membership)


def main(descriptor: str) -> None:
    # A terminal sends these to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()
    gc.collect()
    gc.freeze()  # the collector would write to pages that all share
    Template(socket.socket(fileno=int(descriptor))).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
