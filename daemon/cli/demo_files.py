"""What the demo is made of: its settings, its profiles, and exports such as a credit department gets every night."""

import csv
import datetime
import io
import random
from pathlib import Path

SETTINGS = """\
# The demo's settings. Its servers are on this machine and go when the demo ends.
[drops.local]
kind = "local"
path = "drop"
settle = "500ms"

[drops.erp]
kind = "sftp"
host = "127.0.0.1"
port = {sftp_port}
username = "erp"
password_file = "sftp.password"
host_keys = ["{host_key}"]
poll = "1s"
settle = "1s"

[mail]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
sender = "nightporter@example.com"
admins = [{{ email = "it@example.com" }}]

[web]
listen = "127.0.0.1:{web_port}"
public_url = "http://127.0.0.1:{web_port}"
"""

MAILS = 4
"""What the profiles' people get for the three exports: one mail each, and the open items' two readers one each."""

PROFILES = {
    "customers": """\
# The ERP's customer master: CLIENTS_<date>.csv
dataset = "customers"
pattern = "CLIENTS_*.csv"
entity = "FR01"

[columns]
customer_code = "Code client"
business_name = "Raison sociale"
street = "Adresse"
postal_code = "CP"
city = "Ville"
country = { value = "FR" }
email = "E-mail"
payment_term = "Conditions"
credit_limit = "Plafond"

[format]
decimal = ","

[notify]
to = [{ email = "credit@example.com", language = "fr" }]
""",
    "open-items": """\
# The ERP's open items: ECHEANCES_<date>.csv, from SFTP
dataset = "receivables"
pattern = "ECHEANCES_*.csv"
drop = "erp"
entity = "FR01"

[format]
encoding = "cp1252"
delimiter = ";"
decimal = ","
date = "dd/mm/yyyy"

[columns]
customer_code = "Code client"
item_number = "N° pièce"
item_type = { from = "Type", map = { FAC = "invoice", AVO = "credit_note", RGL = "payment" } }
erp_type = "Type"
issue_date = "Date pièce"
due_date = { first_of = ["Échéance", "Date échéance"] }
amount = "Montant TTC"
remaining = "Solde"
currency = { value = "EUR" }
customer_po = "Réf. commande"

[notify]
to = [{ email = "credit@example.com", language = "fr" }, { email = "group-credit@example.com" }]
""",
    "open-items-workbook": """\
# Open items of the export department, kept in a workbook
dataset = "receivables"
pattern = "open-items-*.xlsx"
drop = "local"
entity = "FR01"

[columns]
customer_code = "Customer"
item_number = "Invoice"
issue_date = "Date"
due_date = "Due"
amount = "Amount"
currency = "Currency"
comment = "Remark"

[notify]
to = [{ email = "credit@example.com" }]
""",
}

_TRADES = [
    "Boulangerie",
    "Garage",
    "Imprimerie",
    "Menuiserie",
    "Pharmacie",
    "Transports",
    "Brasserie",
    "Électricité",
    "Hôtel",
    "Cave",
]
_NAMES = ["Martin", "Lefèvre", "Moreau", "Garnier", "Chevalier", "Perrin", "Béranger", "Fontaine"]
_CITIES = [
    ("75011", "Paris"),
    ("69003", "Lyon"),
    ("33000", "Bordeaux"),
    ("44000", "Nantes"),
    ("59800", "Lille"),
    ("13006", "Marseille"),
]
_TERMS = ["30 jours", "45 jours fin de mois", "60 jours", "Comptant"]

Rows = list[list[object]]


def customers() -> Rows:
    """Eighty customers; nothing wrong with them."""
    chance = random.Random(7)
    rows: Rows = [["Code client", "Raison sociale", "Adresse", "CP", "Ville", "E-mail", "Conditions", "Plafond"]]
    for number, (trade, name) in enumerate((trade, name) for trade in _TRADES for name in _NAMES):
        postal_code, city = chance.choice(_CITIES)
        street = f"{chance.randrange(1, 120)} rue des {chance.choice(['Lilas', 'Tilleuls', 'Écoles', 'Forgerons'])}"
        mail = f"compta{number}@{trade.casefold().encode('ascii', 'ignore').decode()}.example"
        limit = f"{chance.randrange(1, 40) * 500},00"
        rows.append([f"C{10001 + number}", f"{trade} {name}", street, postal_code, city, mail, chance.choice(_TERMS), limit])
    return rows


def open_items(customers: Rows) -> Rows:
    """Four hundred open items, some of them as bad as real ones."""
    chance = random.Random(11)
    rows: Rows = [["Code client", "N° pièce", "Type", "Date pièce", "Échéance", "Montant TTC", "Solde", "Réf. commande"]]
    for number in range(400):
        issued = datetime.date(2026, 8, 1) + datetime.timedelta(days=chance.randrange(110))
        amount = chance.randrange(4_000, 900_000) / 100
        kind = chance.choice(["FAC"] * 9 + ["AVO"])
        text = _french(-amount if kind == "AVO" else amount)
        due = issued + datetime.timedelta(days=30)
        rows.append(
            [
                chance.choice(customers[1:])[0],
                f"FA26-{number:05d}",
                kind,
                f"{issued:%d/%m/%Y}",
                f"{due:%d/%m/%Y}",
                text,
                text,
                f"PO-{number % 37}",
            ]
        )
    rows[42][4] = "31/02/2026"
    rows[77][5] = "1 28O,50"
    rows[120][0] = "C99999"
    rows[163][2] = "XYZ"
    rows[164][1] = ""
    rows[201].append("livraison partielle")
    rows[260][4] = ""
    rows.insert(300, [*rows[299][:5], "9 999,00", "9 999,00", ""])
    return rows


def more_items(customers: Rows) -> Rows:
    """Thirty open items as a workbook has them: true dates and numbers, codes as text."""
    chance = random.Random(13)
    rows: Rows = [["Customer", "Invoice", "Date", "Due", "Amount", "Currency", "Remark"]]
    for number in range(30):
        issued = datetime.date(2026, 9, 1) + datetime.timedelta(days=chance.randrange(70))
        due = issued + datetime.timedelta(days=45)
        amount = chance.randrange(50_000, 4_000_000) / 100
        rows.append(
            [
                chance.choice(customers[1:])[0],
                f"EXP-{number:04d}",
                issued,
                due,
                amount,
                chance.choice(["EUR", "USD"]),
                "",
            ]
        )
    rows[9][5] = "DOLLAR"
    rows[17][4] = "to be agreed"
    return rows


def as_csv(rows: Rows, encoding: str) -> bytes:
    """Rows as an ERP prints them: semicolons, CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(rows: Rows) -> bytes:
    """Rows as a workbook."""
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def drop(path: Path, content: bytes) -> None:
    """Leave a file as a polite ERP would: written under a temporary name, then renamed."""
    half = path.with_name(path.name + ".part")
    half.write_bytes(content)
    half.rename(path)


def _french(amount: float) -> str:
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",")
