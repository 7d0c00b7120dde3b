"""The worker: takes tasks from the queue, several side by side, and rescues those of workers that died."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import procrastinate
import psycopg
from sqlalchemy import Engine

from daemon import db, ledger, queue, tasks
from daemon.errors import TryLater
from daemon.log import get
from daemon.profiles import Profiles
from daemon.settings import Settings

log = get(__name__)

_PASSING = (procrastinate.exceptions.ProcrastinateException, psycopg.Error, OSError, TryLater)
"""What the database's absence looks like from here."""

GRACE_SECONDS = 30.0
"""How long running tasks may go on after the signal to stop; what is not done by then is rolled back and taken up again."""


def run(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set; then finish what is running, or leave it to be taken up again."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_work(engine, settings, stop))


def stop_on_signal(stop: threading.Event, watch_parent: bool = False) -> None:
    """Set `stop` on SIGTERM and SIGINT; as a child process, also when the parent's end of stdin closes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if watch_parent:
        threading.Thread(target=_until_orphaned, args=(stop,), daemon=True).start()


def _until_orphaned(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


async def _work(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    side_by_side = settings.imports.workers
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(side_by_side + 2))
    app = queue.worker_app(db.conninfo(engine), connections=2 * side_by_side + 3)
    tasks.register(app, engine, settings, Profiles(settings.profiles))
    async with app.open_async():
        jobs = [asyncio.create_task(_persistent(app, settings, number)) for number in range(side_by_side)]
        rescue = asyncio.create_task(_rescue(app, engine, settings))
        log.info("worker_ready", side_by_side=side_by_side)
        await asyncio.to_thread(stop.wait)
        rescue.cancel()
        for job in jobs:
            job.cancel()
        _, running = await asyncio.wait(jobs, timeout=GRACE_SECONDS)
        if running:
            log.warning("stopped_hard", running=len(running))
            os._exit(1)


async def _persistent(app: procrastinate.App, settings: Settings, number: int) -> None:
    """One lane of work, started again whatever ends it."""
    while True:
        try:
            await app.run_worker_async(
                name=f"{os.getpid()}-{number}",
                queues=[queue.SHARED, queue.of_host()],
                concurrency=1,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=1,
                update_heartbeat_interval=min(10, settings.imports.stalled_after / 3),
                stalled_worker_timeout=settings.imports.stalled_after,
            )
        except _PASSING as error:
            log.warning("worker_lane_broke", error=str(error))
        await asyncio.sleep(1)


async def _rescue(app: procrastinate.App, engine: Engine, settings: Settings) -> None:
    """Put the jobs of workers that fell silent back in the queue, and their runs back to arrived."""
    while True:
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=settings.imports.stalled_after):
                log.warning("rescued", task=job.task_name, **job.task_kwargs)
                if job.task_name == "import_run" and isinstance(run_id := job.task_kwargs["run_id"], int):
                    await asyncio.to_thread(_give_back, engine, run_id)
                await app.job_manager.retry_job(job)
        except _PASSING as error:
            log.warning("rescue_failed", error=str(error))
        await asyncio.sleep(min(5, settings.imports.stalled_after / 2))


def _give_back(engine: Engine, run_id: int) -> None:
    with db.transaction(engine) as conn:
        ledger.give_back(conn, run_id)
