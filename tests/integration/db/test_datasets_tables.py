"""What the datasets' TOML says, against the tables and stages that the migrations made."""

import pytest

from daemon import db
from daemon.datasets import datasets
from daemon.db import tables
from tests.support.office import Office


@pytest.mark.parametrize("name", datasets())
def test_a_datasets_fields_are_columns_of_its_table_and_its_stage(office: Office, name: str) -> None:
    """Each by its name and its type, so that a field cannot be added to the one and forgotten in the others."""
    dataset = datasets()[name]
    wanted = {field: tables.TYPES[described.type] for field, described in dataset.fields.items()}
    with db.transaction(office.engine) as conn:
        for table in (dataset.table, f"nightporter.stage_{name}"):
            found = tables.columns(conn, table)
            assert {field: found.get(field) for field in wanted} == wanted, table
