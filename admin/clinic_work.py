"""Who works off an uploaded file: the request itself while it is small, else one thread of the panel.

What the panel leaves behind when it ends, the jobs process takes up.
"""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue

from core.sheets import clinic_steps

log = logging.getLogger(__name__)
SMALL = 1024 * 1024  # bytes of a workbook: read and judged while somebody waits for the page


class Bench:
    """One daemon thread, started with the first large file; files wait in line."""

    def __init__(self) -> None:
        self._line: SimpleQueue[int] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_running = False

    def put(self, job_id: int) -> None:
        """Take a job off the request's hands."""
        self._line.put(job_id)
        with self._lock:
            if not self._is_running:
                threading.Thread(target=self._run, name="clinic", daemon=True).start()
                self._is_running = True

    def _run(self) -> None:
        while True:
            job_id = self._line.get()
            try:
                clinic_steps.work(job_id)
            except Exception:  # its lease runs out, and the jobs process tries again
                log.exception("import %s broke", job_id)


_bench = Bench()


def work(job_id: int, size: int) -> None:
    """The job's next step, done on return for a small file; size: bytes of the workbook."""
    if size <= SMALL:
        clinic_steps.work(job_id)
    else:
        _bench.put(job_id)
