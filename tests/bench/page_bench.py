"""How quickly the console's pages are there: over 10,000 runs, one of them with 1,000,000 rejected rows.

make bench-pages                 # medians of twenty answers each, in milliseconds, beside the page that shows nothing
"""

import statistics
import time

from daemon import db, log
from tests.support.console import Person
from tests.support.office import ITEMS, ITEMS_HEADER, standing_office

RUNS, REJECTED, ANSWERS = 10_000, 1_000_000, 20
MANY = f"""
INSERT INTO nightporter.arrival (drop_name, name, path, size, mtime, disposed_at, disposed_as)
SELECT 'erp', 'items-' || n || '.csv', '', 1, n, now(), 'moved' FROM generate_series(1, {RUNS}) n;
INSERT INTO nightporter.import_run (arrival_id, section, profile, dataset, state, business_date, tally, entities, finished_at)
SELECT a.id, 0, 'items', 'receivables', 'imported', current_date - mod(a.id, 60)::int, r.tally, '{{""}}', now()
FROM nightporter.arrival a CROSS JOIN (SELECT tally FROM nightporter.import_run WHERE tally IS NOT NULL LIMIT 1) r WHERE a.drop_name = 'erp';
INSERT INTO nightporter.rejection (run_id, line, cells, reasons, amount, currency)
SELECT 2, n + 10, '["C1", "F", "31/02/2024", "02/03/2024", "5"]',
       jsonb_build_array(jsonb_build_object('code', 'not_a_date', 'field', 'issue_date', 'value', mod(n, 500)::text, 'column', 'Issued', 'detail', '')),
       n, 'EUR'
FROM generate_series(1, {REJECTED}) n;
UPDATE nightporter.import_run SET tally = jsonb_set(tally, '{{rejected}}', '{REJECTED + 1}') WHERE id = 2;
ANALYZE
"""


def main() -> None:
    """Make the history, ask for each page, print the medians."""
    log.configure("ERROR")
    with standing_office() as office:
        office.profile("items", ITEMS + '    [expect]\n    by = "06:00"\n')
        office.customers("C1")
        office.load("items", ITEMS_HEADER + "C1;F1;01/02/2024;02/03/2024;5\nC1;F2;31/02/2024;02/03/2024;5\n")
        with db.transaction(office.engine) as conn:
            for statement in MANY.split(";\n"):
                conn.exec_driver_sql(statement)
        ada = Person(office)
        rejects = ada.get("/runs/2").partition('href="/r/')[2].partition('"')[0]
        assert office.rows("SELECT count(*) FROM nightporter.rejection WHERE run_id = 2") == [(REJECTED + 1,)]
        for path in ("/settings", "/", "/runs", "/runs?problems=1", "/runs?before=5000", "/runs/2", "/runs/2/rejected",
                     f"/r/{rejects}", f"/r/{rejects}?page=9999", "/customers?q=C1"):  # fmt: skip
            took = []
            for _ in range(ANSWERS):
                began = time.perf_counter()
                ada.get(path)
                took.append(time.perf_counter() - began)
            print(f"{path[:34]:36}{statistics.median(took) * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
