"""Noting: what else is to be told of an imported file, though its rows are in."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from daemon import ledger, loading, reading
from daemon.errors import Detail
from daemon.mapping import Mapping as Fitted
from daemon.mapping import can_be
from daemon.model import Batch, ImportRun, Note, Rejection
from daemon.profiles import Profile

_EXAMPLES = 5


def final_newline(
    run: ImportRun, profile: Profile, reader: reading.Reader, pins: Mapping[str, str | None]
) -> tuple[Detail | None, list[Note]]:
    """What speaks for a file that was cut short: that it does not end as the first one of its profile did, or the profile says;
    where neither is known, it is only noted that its last line has no end.
    """
    ends = reader.final_newline
    if ends is None or run.corrects:
        return None, []
    known = profile.format.final_newline
    if known is None and (pin := pins["final_newline"]):
        known = pin == "true"
    if known is None:
        return None, [Note("no_final_newline", int(not ends))]
    if ends == known:
        return None, []
    return Detail.of("ends_otherwise" if known else "ends_with_newline"), []


def alike_elsewhere(numbers: list[str]) -> Note:
    """That new rows may be other customers' items, given to another one."""
    return Note("alike_elsewhere", len(numbers), ", ".join(numbers[:_EXAMPLES]) + (", …" if len(numbers) > _EXAMPLES else ""))


def mapping_notes(mapping: Fitted) -> list[Note]:
    """What was found out of how the file writes what it says."""
    return [Note("credits_signed", int(mapping.credits == {-1}))]


def doubts(conn: Connection, stage: loading.Stage, standing: loading.Standing, *, parked: bool) -> list[Note]:
    """What is taken as it is, though an accountant would ask, or it cannot be right."""
    notes = [
        Note(f"doubtful_{each.code}", each.rows, _lines(each.lines, each.rows))
        for each in loading.doubtful(conn, stage, _EXAMPLES, parked=parked)
    ]
    other = loading.SOURCES.get(stage.dataset.name)
    lines = loading.unexplained(conn, stage, standing.credits_by(other)) if other else []
    notes.append(Note("credit_unexplained", len(lines), _lines(lines[:_EXAMPLES], len(lines))))
    return notes + _vat_numbers(conn, stage)


def _vat_numbers(conn: Connection, stage: loading.Stage) -> list[Note]:
    fields = stage.dataset.fields
    number = next((name for name in stage.fields if fields[name].vat), None)
    if number is None:
        return []
    country = next(name for name, field in fields.items() if field.iso3166)
    rows = loading.written(conn, stage, (number, country))
    wrong = [f"{vat} – {line}" for line, vat, code in rows if vat and not can_be(vat, code)]
    examples = ", ".join(wrong[:_EXAMPLES]) + (", …" if len(wrong) > _EXAMPLES else "")
    return [Note("vat_numbers", len(wrong), examples)]


def look_alikes(conn: Connection, stage: loading.Stage) -> list[Note]:
    """Which of the codes that rows were parked for look like customers'."""
    codes = loading.look_alikes(conn, stage)
    told = ", ".join(map(str, codes[:_EXAMPLES])) + (", …" if len(codes) > _EXAMPLES else "")
    return [Note("look_alikes", sum(each.rows for each in codes), told)]


def _lines(lines: list[int], count: int) -> str:
    return ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")


def tell_turned(conn: Connection, stage: loading.Stage, mapping: Fitted, again: reading.Reader) -> None:
    """Store the rows that the checks turned down, their cells read once more from the file."""
    for item in again:
        if isinstance(item, Batch):
            reasons = loading.turned_down(conn, stage, int(item.frame.index[0]), int(item.frame.index[-1]))
            turned = item.of(item.frame.index.isin(list(reasons)))
            money = mapping.money_of(turned)
            rejections = (
                Rejection(
                    line, cells, tuple(replace(r, column=mapping.header_of(r.field)) for r in reasons[line]), None, typed, *each
                )
                for (line, cells), typed, each in zip(turned.rows(), turned.typed_cells(), money, strict=True)
            )
            ledger.runs.reject_rows(conn, stage.run_id, rejections)
