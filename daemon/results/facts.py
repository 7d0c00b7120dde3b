"""A run as scripts see it: the same from the command line and from the API."""

from typing import Any

from daemon.model import ImportRun
from daemon.results.links import Links
from daemon.settings import Settings
from daemon.words import Words


def run_json(run: ImportRun, settings: Settings) -> dict[str, Any]:
    """A run's state, its tally, and the link to its rejected rows."""
    rejected = run.tally and run.tally.rejected
    return {
        "run_id": run.id,
        "status": run.state,
        "code": run.code,
        "detail": run.detail and Words("en").detail(run.detail),
        "file": run.name,
        "profile": run.profile,
        "dataset": run.dataset,
        "tally": run.tally and run.tally.as_json(),
        "rejects_url": Links.of(settings).rejects(run.id, "") if rejected else None,
    }
