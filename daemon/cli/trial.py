"""A trial: a file through a profile's section, as far as it goes without a database."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from daemon import reading
from daemon.cli.show import print_rows, rejection_json
from daemon.mapping import Mapping, fit
from daemon.model import Batch, Rejection, shown
from daemon.profiles import Profile, Section
from daemon.settings import Sandbox
from daemon.words import Words

_SHOWN = 10


@dataclass
class Trial:
    """What came of a file: its shape, the first good rows as typed columns, the first rejections, and the counts."""

    dataset: str
    format: dict[str, Any]
    unused: list[str]
    first: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    good: int = 0
    rejected: int = 0
    skipped: int = 0
    ignored: int = 0
    money: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        words = Words("en")
        rejections = [rejection_json(rejection, words, self.dataset) for rejection in self.rejections]
        return {**self.__dict__, "rejections": rejections}


def trial(profile: Profile, section: Section, path: Path, sandbox: Sandbox) -> Trial:
    """Read and map a file, of a zip the member that the profile names. Raises FileRefused."""
    with reading.unpacked(path, profile.format.member, sandbox) as content:
        reader = reading.read(content, profile.format, sandbox, section.headers)
        mapping = fit(
            section,
            reader.header,
            lambda: reading.read(content, profile.format, sandbox, section.headers),
            profile.format.conventions,
        )
        shape = reader.format.model_dump(exclude_defaults=True) | mapping.conventions.model_dump(exclude_defaults=True)
        found = Trial(section.dataset, shape, mapping.unused)
        for item in reader:
            _take(found, mapping, item)
        found.ignored = reader.ignored
    return found


def _take(found: Trial, mapping: Mapping, item: Batch | Rejection) -> None:
    rejections = [item] if isinstance(item, Rejection) else []
    if isinstance(item, Batch):
        mapped = mapping.apply(item)
        rejections = mapped.rejections
        found.good += mapped.rows.num_rows
        found.skipped += mapped.skipped
        for currency, amount in mapped.money.items():
            left_out = mapped.skipped_money.get(currency, 0)
            bad = mapped.rejected_money.get(currency, 0)
            found.money[currency] = found.money.get(currency, 0) + amount - left_out - bad
        found.first += _plain(mapped.rows.slice(0, _SHOWN - len(found.first)))
    found.rejected += len(rejections)
    found.rejections += rejections[: _SHOWN - len(found.rejections)]


def _plain(rows: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value not in (None, "")} for row in rows.to_pylist()]


def print_trial(found: Trial) -> None:
    """Show a trial on the terminal."""
    words = Words("en")
    names = list(dict.fromkeys(name for row in found.first for name in row))
    title = f"{found.dataset}: {', '.join(f'{key} {value!r}' for key, value in found.format.items())}"
    print_rows(names, [[_shown(row.get(name, "")) for name in names] for row in found.first], title)
    for rejection in found.rejections:
        reasons = "; ".join(words.reason(reason, found.dataset) for reason in rejection.reasons)
        print(f"line {rejection.line}: {reasons}")
    if found.rejected > len(found.rejections):
        print(f"… {found.rejected - len(found.rejections):,} more lines are rejected")
    counts = f"{found.good:,} rows would be imported, {found.rejected:,} rejected, {found.skipped:,} skipped"
    print(f"{counts}; {found.ignored:,} lines are no records")
    for currency, amount in found.money.items():
        print(f"open in {currency}: {words.money(amount)}")
    if found.unused:
        print(f"not imported: {shown(', '.join(found.unused))}", file=sys.stderr)


def _shown(value: object) -> str:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").lstrip("-").isdigit() else text
