"""Templates: a workbook with every field of a dataset, to be filled in by hand and dropped as it is."""

import csv
import datetime
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import IO, Any, cast

from daemon.datasets.dataset import Dataset
from daemon.datasets.field import Field, labelled
from daemon.languages import LANGUAGES, sentence, translation

BEGINNING = "nightporter-"
"""How the names of templates begin."""
MOST_ROWS = 10_000
"""The rows below the headers that have drop-downs, and that a template is filled with at most."""
_FIRST = 3
"""The first row that is no header and no example."""


def file_name(dataset: Dataset, kind: str) -> str:
    """What a filled-in template must be called so that it is imported with no profile of its own: this, or longer."""
    return f"{BEGINNING}{dataset.name}.{kind}"


def names(field: str, described: Field) -> list[str]:
    """The headers that a template may have for a field: its label in any language, or the field's own name."""
    return list(dict.fromkeys([*(labelled(described.label, language) for language in LANGUAGES), field]))


def examples() -> list[str]:
    """How the row of examples begins in each language, by which it is known for no record."""
    return [_said("example", language) for language in LANGUAGES]


def _said(name: str, language: str) -> str:
    return sentence(f"template.{name}").said(language, 1)


def as_csv(dataset: Dataset, language: str) -> str:
    """The template as delimited text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    fields = [(name, dataset.fields[name]) for name in dataset.mappable]
    writer.writerow([labelled(field.label, language) for _, field in fields])
    shown = [field.example for _, field in fields]
    writer.writerow([_said("example", language) + shown[0], *shown[1:]])
    return text.getvalue()


def as_xlsx(dataset: Dataset, language: str, out: IO[bytes], rows: Sequence[Mapping[str, object]] = ()) -> None:
    """The template as a workbook: headers with comments, a row of examples, drop-downs where there is a choice; and `rows`, field
    by field, as filled in.
    """
    from openpyxl import Workbook  # slow to import, and rarely asked for
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = labelled(dataset.label, language)[:31]
    sheet.freeze_panes = "A2"
    for column, name in enumerate(dataset.mappable, 1):
        field = dataset.fields[name]
        label = labelled(field.label, language)
        title = sheet.cell(1, column, label)
        title.font = Font(bold=True, color="FFFFFF")
        title.fill = PatternFill("solid", fgColor="1F4E5F" if field.required and not field.given_by else "6B8E9B")
        title.comment = Comment(_told(name, field, language), "Nightporter", height=110, width=260)
        example = sheet.cell(2, column, _value(field, _said("example", language) if column == 1 else ""))
        example.font = Font(italic=True, color="8A8A8A")
        example.alignment = Alignment(horizontal="left")
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].width = max(len(label), len(field.example), 10) + 3
        if choices := ["yes", "no"] if field.type == "bool" else list(field.words):
            choice = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True, showErrorMessage=True)
            choice.add(f"{letter}{_FIRST}:{letter}{MOST_ROWS + _FIRST - 1}")
            sheet.add_data_validation(choice)
        if field.type in ("text", "date"):
            for row in range(_FIRST, _FIRST + max(200, len(rows))):  # so that a spreadsheet takes no code for a number
                sheet.cell(row, column).number_format = "@" if field.type == "text" else "yyyy-mm-dd"
        for row, values in enumerate(rows, _FIRST):
            value = values.get(name)
            cell = sheet.cell(row, column, cast(Any, ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value))
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula, whatever it begins with
    book.save(out)


def _told(name: str, field: Field, language: str) -> str:
    """What the comment on a header says."""
    needed = ["left_out"] if field.default_from else ["required"] if field.required else []
    kind = ", ".join(_said(each, language) for each in (field.type, *needed))
    described = field.description and translation(language).pgettext("description", field.description)
    example = field.example and _said("example", language) + field.example
    return "\n".join(filter(None, [name, kind, described, example]))


def _value(field: Field, mark: str) -> object:
    """An example as a spreadsheet types it."""
    if mark or not field.example:
        return mark + field.example
    if field.type == "date":
        return datetime.date.fromisoformat(field.example)
    return Decimal(field.example) if field.type == "money" else field.example
