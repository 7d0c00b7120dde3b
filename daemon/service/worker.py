"""The worker: takes tasks from the queue, several side by side, and rescues those of workers that died."""

import asyncio
import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import procrastinate
import psutil
from sqlalchemy import Engine

from daemon import db, queue
from daemon.log import get
from daemon.profiles import Profiles
from daemon.service import tasks
from daemon.settings import Settings
from daemon.upkeep import rescue

log = get(__name__)

_ERRAND_LANES = 2
"""Lanes for mails and disposals, so that a silent mail server holds up no import."""

_GROWN = 1 << 30
"""Bytes of memory at which a worker finishes what it is doing and ends; its parent, or systemd, starts a fresh one."""
_LONGEST_IMPORT = 3600.0

GRACE_SECONDS = 30.0
"""How long running tasks may go on after the signal to stop; what is not done by then is rolled back and taken up again."""


def run(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Work until `stop` is set; then finish what is running, or leave it to be taken up again."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_work(engine, settings, stop))


async def _work(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    side_by_side = settings.imports.workers
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(side_by_side + _ERRAND_LANES + 2))
    app = queue.worker_app(db.conninfo(engine), connections=2 * (side_by_side + _ERRAND_LANES) + 2)
    tasks.register(app, engine, settings, Profiles(settings.profiles))
    async with app.open_async():
        kinds = [True] * side_by_side + [False] * _ERRAND_LANES
        lanes = [asyncio.create_task(_lane(app, settings, number, imports)) for number, imports in enumerate(kinds)]
        keeper = asyncio.create_task(_keep_rescuing(engine, settings))
        told = asyncio.create_task(asyncio.to_thread(stop.wait))
        log.info("worker_ready", side_by_side=side_by_side)
        await asyncio.wait({told, keeper}, return_when=asyncio.FIRST_COMPLETED)
        patience = GRACE_SECONDS if stop.is_set() else _LONGEST_IMPORT
        keeper.cancel()
        stop.set()
        for lane in lanes:
            lane.cancel()
        _, running = await asyncio.wait(lanes, timeout=patience)
        if running:
            log.warning("stopped_hard", running=len(running))
            os._exit(1)


async def _lane(app: procrastinate.App, settings: Settings, number: int, imports: bool) -> None:
    """One lane of work, started again whatever ends it."""
    while True:
        try:
            await app.run_worker_async(
                name=f"{os.getpid()}-{number}",
                queues=queue.lanes(imports=imports),
                concurrency=1,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=1,
                update_heartbeat_interval=min(10, settings.imports.stalled_after / 3),
                stalled_worker_timeout=settings.imports.stalled_after,
            )
        except Exception as error:  # a lane that stays down would be missed by nobody until the morning
            log.warning("lane_broke", lane=number, error=str(error))
        await asyncio.sleep(1)


async def _keep_rescuing(engine: Engine, settings: Settings) -> None:
    """Every few seconds see that whatever is owed has a job; return once this process has grown, to be replaced by a new one."""
    while True:
        await asyncio.sleep(min(5, settings.imports.stalled_after / 2))
        try:
            if found := await asyncio.to_thread(_rescue, engine, settings):
                log.warning("rescued", jobs=found)
        except Exception as error:  # a rescue that stays down would be missed by nobody, either
            log.warning("rescue_failed", error=str(error))
        if psutil.Process().memory_info().rss > _GROWN:
            log.info("worker_grown")
            return


def _rescue(engine: Engine, settings: Settings) -> int:
    with db.transaction(engine) as conn:
        return rescue(conn, settings.imports.stalled_after)
