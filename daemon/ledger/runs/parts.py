"""What a run is about where its arrival did not say: parts of a file, or a correction; and how its file was read."""

import json
from dataclasses import asdict

from sqlalchemy import Connection

from daemon.db import text
from daemon.ledger.runs.states import give_back_run
from daemon.model import ImportRun, ReadAs


def assign_parts(conn: Connection, run: ImportRun, parts: list[tuple[str, str, str]]) -> bool:
    """Say what a run is about, when that was not clear at its arrival: each part a member, a profile and a dataset.

    The run becomes the first; the others get runs of their own. A file from a drop is then to be had again, each part in
    the line of its profile. False when the run is no longer that attempt's.
    """
    member, profile, dataset = parts[0]
    assigned = conn.execute(
        text("""
            UPDATE nightporter.import_run SET member = :member, profile = :profile, dataset = :dataset
            WHERE id = :id AND attempt = :attempt AND dataset = ''"""),
        {"id": run.id, "attempt": run.attempt, "member": member, "profile": profile, "dataset": dataset},
    )
    if not assigned.rowcount or (run.in_line and not give_back_run(conn, run)):
        return False
    for section, (member, profile, dataset) in enumerate(parts[1:], 1):
        conn.execute(
            text("""
                INSERT INTO nightporter.import_run (arrival_id, section, member, parent_id, profile, dataset)
                VALUES (:arrival_id, :section, :member, :parent_id, :profile, :dataset)"""),
            {
                "arrival_id": run.arrival_id,
                "section": section,
                "member": member,
                "parent_id": run.parent_id,
                "profile": profile,
                "dataset": dataset,
            },
        )
    return True


def mark_correction(conn: Connection, run: ImportRun, original: ImportRun) -> bool:
    """Say that a run brings rejected rows of another one again. From a drop it is to be had again, in the line of its profile.

    False when the run is no longer that attempt's.
    """
    said = conn.execute(
        text("""
            UPDATE nightporter.import_run SET corrects = :corrects, profile = :profile, dataset = :dataset, member = ''
            WHERE id = :id AND attempt = :attempt"""),
        {
            "id": run.id,
            "attempt": run.attempt,
            "corrects": original.id,
            "profile": original.profile,
            "dataset": original.dataset,
        },
    )
    return bool(said.rowcount) and (not run.in_line or give_back_run(conn, run))


def record_reading(conn: Connection, run: ImportRun, header: list[str], read_as: ReadAs) -> None:
    """Record how the run's file was read."""
    conn.execute(
        text("UPDATE nightporter.import_run SET header = :header, format = CAST(:format AS jsonb) WHERE id = :id"),
        {"id": run.id, "header": header, "format": json.dumps(asdict(read_as))},
    )
