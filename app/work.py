"""The worker: hands outbox messages on, and does what comes round with time."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from app.jobs import Round, handlers, rounds
from app.settings import Settings
from foundation import clock
from foundation.db import Database
from foundation.outbox import deliver

log = structlog.get_logger("worker")
IDLE = 0.5


@dataclass
class Worker:
    """One loop; as many as you like may run beside each other, in one process or in many."""

    database: Database
    settings: Settings
    _due: dict[str, float] = field(default_factory=dict)

    def turn(self) -> int:
        """Do one turn: a batch of messages, then whatever round is due; give how many messages."""
        now = clock.now()
        taken = deliver(self.database, handlers(self.settings), now=now)
        for one in rounds(self.settings):
            if time.monotonic() >= self._due.get(one.name, 0.0):
                self._due[one.name] = time.monotonic() + one.every
                self._act(one, now)
        return taken

    def _act(self, one: Round, now: datetime) -> None:
        try:
            one.act(self.database, now)
        except Exception as error:  # noqa: BLE001 -- the job runner: one failing round must not end the others
            log.warning("round failed", round=one.name, error=repr(error))

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set."""
        while not stopping.is_set():
            try:
                idle = self.turn() == 0
            except Exception as error:  # noqa: BLE001 -- the job runner: the database may be away for a while
                log.warning("turn failed", error=repr(error))
                idle = True
            if idle:
                stopping.wait(IDLE)


def start_inline(database: Database, settings: Settings) -> threading.Event:
    """Run a worker in a thread of this process; set the event to end it."""
    stopping = threading.Event()
    worker = Worker(database, settings)
    threading.Thread(target=worker.run, args=(stopping,), name="worker", daemon=True).start()
    return stopping
