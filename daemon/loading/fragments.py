"""Fragments: pieces of SQL that statements over a stage are made of, with `s` for a staged row and `t` for one of the table."""

from collections.abc import Iterable

from psycopg import sql

from daemon.datasets import Dataset
from daemon.loading.staging import Stage

_FOLD = sql.SQL("lower(regexp_replace(btrim({}), '\\s+', ' ', 'g'))")


def names(fields: Iterable[str]) -> sql.Composed:
    """A list of columns."""
    return sql.SQL(", ").join(map(sql.Identifier, fields))


def key(stage: Stage, row: str) -> list[sql.Composed]:
    """What makes `row` the same as another: its entity, and the fields of the key as they are compared."""
    fields = stage.dataset.fields
    values = [sql.SQL("{}.entity").format(sql.Identifier(row))]
    for name in stage.key:
        value = cell(stage, row, name)
        text = sql.SQL("({}#>>'{{}}')").format(value) if name in stage.dataset.custom else value
        values.append(_FOLD.format(text) if fields[name].folded else value)
    if stage.fallback:
        otherwise = folded(row, stage.fallback)
        values[-1] = sql.SQL("coalesce({}, chr(1) || {})").format(values[-1], otherwise)
    return values


def folded(row: str, name: str) -> sql.Composed:
    """A text field as it is compared where neither case nor spacing matters."""
    return _FOLD.format(sql.SQL("{}.{}").format(sql.Identifier(row), sql.Identifier(name)))


def whole_key(stage: Stage, row: str) -> sql.Composed:
    """What a row is known by, as one text, whatever the kind of key."""
    parts = sql.SQL(", ").join([sql.Literal(" ".join(stage.key)), *key(stage, row)])
    return sql.SQL("jsonb_build_array({})::text").format(parts)


def cell(stage: Stage, row: str, name: str) -> sql.Composed:
    """A field of a staged row, or of the table, `t` or `m`, where the admin's own are kept together: they are JSON."""
    own = sql.SQL("{}.{}").format(sql.Identifier(row), sql.Identifier(name))
    if name not in stage.dataset.custom:
        return own
    if row not in ("t", "m"):
        return sql.SQL("to_jsonb({})").format(own)
    return sql.SQL("nullif({}.custom->{}, 'null')").format(sql.Identifier(row), name)


def alike(stage: Stage, names: Iterable[str]) -> sql.Composed:
    """Whether two rows of the table, `m` and `t`, have the same in some fields."""
    return sql.SQL(" AND ").join(sql.SQL("{} = {}").format(cell(stage, "m", name), cell(stage, "t", name)) for name in names)


def same(stage: Stage) -> sql.Composed:
    """Whether a staged row is the same as one of the table. Where an entity has one kind of key, those of another are none."""
    if stage.fallback:
        return _same_or_so_called(stage, stage.fallback)
    terms = [sql.SQL("{} = {}").format(t, s) for t, s in zip(key(stage, "t"), key(stage, "s"), strict=True)]
    if stage.dataset.one_key:
        others = {each[0] for each in stage.dataset.keys if tuple(each) != stage.key and len(each) == 1}
        terms += [sql.SQL("t.{} IS NULL").format(sql.Identifier(name)) for name in sorted(others)]
    return sql.SQL(" AND ").join(terms)


def _same_or_so_called(stage: Stage, fallback: str) -> sql.Composed:
    """By the key; or, where its last field is empty here or there, by the other: but what is told apart by the key is not."""
    *others, last = stage.key
    owner = sql.SQL(" AND ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in ("entity", *others))
    owner_of_known = sql.SQL(" AND ").join(sql.SQL("x.{0} = s.{0}").format(sql.Identifier(name)) for name in ("entity", *others))
    terms = {f"{name}_{row}": folded(row, name) for name in (last, fallback) for row in ("s", "t", "x")}
    return sql.SQL("""({owner} AND ({last_t} = {last_s} OR ({fallback_t} = {fallback_s} AND (s.{last} IS NULL OR (
        t.{last} IS NULL AND NOT EXISTS (SELECT FROM {table} x WHERE {owner_of_known} AND {last_x} = {last_s}))))))""").format(
        owner=owner,
        owner_of_known=owner_of_known,
        table=stage.target,
        last=sql.Identifier(last),
        last_s=terms[f"{last}_s"],
        last_t=terms[f"{last}_t"],
        last_x=terms[f"{last}_x"],
        fallback_s=terms[f"{fallback}_s"],
        fallback_t=terms[f"{fallback}_t"],
    )


def kept(stage: Stage) -> list[str]:
    """The mapped fields of which the file has no say, once there is something: protected ones, those that are filled once, and
    the dataset's own key where rows are matched by something else.
    """
    dataset = stage.dataset
    own_key = {name for each in dataset.keys for name in each} - set(stage.key)
    own_key = set() if list(stage.key) in dataset.keys else own_key
    return [
        name
        for name in stage.fields
        if name not in stage.key and (name in stage.rules.protected or name in own_key or dataset.fields[name].owner == "fill")
    ]


def changes(stage: Stage) -> dict[str, sql.Composable]:
    """The columns that a file may change of a row that is there, each with its value then. A blank in the file leaves what is
    stored, unless the profile says otherwise.
    """
    values: dict[str, sql.Composable] = {}
    own: dict[str, sql.Composable] = {}
    for name in stage.fields:
        field = stage.dataset.fields[name]
        in_key = name in stage.key and not (stage.fallback and name == stage.key[-1])
        if in_key or (name in kept(stage) and field.owner != "fill"):
            continue
        if field.derived and field.default_from[0] in kept(stage):
            continue
        old, new = cell(stage, "t", name), cell(stage, "s", name)
        take = sql.SQL("{new}" if stage.rules.blank_clears and not field.required else "coalesce({new}, {old})")
        if field.owner == "fill":
            take = sql.SQL("coalesce({old}, {new})")
        elif field.derived and not stage.rules.blank_clears:
            take = sql.SQL("CASE WHEN {given} IS NULL THEN {old} ELSE {new} END")
        if field.shared:
            values |= _shared(name, blank_clears=stage.rules.blank_clears)
            continue
        given = sql.SQL("s.{}").format(sql.Identifier((field.default_from or [name])[0]))
        into = own if name in stage.dataset.custom else values
        into[name] = take.format(old=old, new=new, given=given)
    if own:
        others = sql.SQL("(coalesce(t.custom, '{{}}') - {}::text[])").format(list(own))
        values["custom"] = together(own, others)
    if stage.dataset.presence:
        values[stage.dataset.presence.state] = now(stage)
        scope: sql.Composable = sql.SQL("%(scope)s")
        if not stage.rules.snapshot:  # what is open is another's to speak for; what comes back is whose file brings it
            is_here = sql.SQL("t.{} = {}").format(sql.Identifier(stage.dataset.presence.state), stage.dataset.presence.here)
            scope = sql.SQL("CASE WHEN {} THEN t.scope ELSE %(scope)s END").format(is_here)
        values["scope"] = scope
    if stage.dataset.refers_to:
        values["customer_entity"] = customer_entity()
    return values


def brought(name: str) -> str:
    """The column with what the latest file brought of a field that people add to."""
    return f"{name}_brought"


def by_hand(name: str, files: sql.Composable) -> sql.Composed:
    """What people added to a list of a row of the table, beside what `files` brought."""
    statement = sql.SQL("""ARRAY(
        SELECT each FROM unnest(t.{name}) WITH ORDINALITY own (each, place)
        WHERE each <> ALL (coalesce({files}, '{{}}')) ORDER BY place)""")
    return statement.format(name=sql.Identifier(name), files=files)


def _shared(name: str, *, blank_clears: bool) -> dict[str, sql.Composable]:
    """A list that people add to, and the column that says what of it files brought: a file replaces only that."""
    named = {"new": sql.SQL("s.{}").format(sql.Identifier(name)), "old": sql.SQL("t.{}").format(sql.Identifier(name))}
    named["brought"] = sql.SQL("t.{}").format(sql.Identifier(brought(name)))
    named["ours"] = by_hand(name, named["brought"])
    new = sql.SQL("coalesce({new}, '{{}}')").format(**named) if blank_clears else named["new"]
    both = sql.SQL("nullif({new} || ARRAY(SELECT each FROM unnest({ours}) each WHERE each <> ALL ({new})), '{{}}')")
    fresh = sql.SQL("nullif(ARRAY(SELECT each FROM unnest({new}) each WHERE each <> ALL ({ours})), '{{}}')")
    when = sql.SQL("CASE WHEN {given} THEN {then} ELSE {otherwise} END")
    given = sql.SQL("true") if blank_clears else sql.SQL("{new} IS NOT NULL").format(**named)
    return {
        name: when.format(given=given, then=both.format(new=new, ours=named["ours"]), otherwise=named["old"]),
        brought(name): when.format(given=given, then=fresh.format(new=new, ours=named["ours"]), otherwise=named["brought"]),
    }


def together(own: dict[str, sql.Composable], before: sql.Composable | None = None) -> sql.Composed:
    """The admin's own fields as the column that holds them, beside what else is in it; a blank one is not."""
    pairs = sql.SQL(", ").join(sql.SQL("{}, {}").format(name, value) for name, value in own.items())
    over = sql.SQL("{} || ").format(before) if before else sql.SQL("").format()
    return sql.SQL("nullif({}jsonb_strip_nulls(jsonb_build_object({})), '{{}}')").format(over, pairs)


def differs(stage: Stage) -> sql.Composed:
    """Whether anything of a row that is there would change."""
    changed = sql.SQL("t.{} IS DISTINCT FROM {}")
    terms = [changed.format(sql.Identifier(name), value) for name, value in changes(stage).items()]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(terms)) if terms else sql.SQL("(false)").format()


def now(stage: Stage) -> sql.Composable:
    """The state that a staged row has: gone, where nothing of it is left to pay."""
    presence, balance = stage.dataset.presence, stage.dataset.balance
    if presence is None:
        return sql.SQL("NULL::text")
    here, gone = sql.Literal(presence.here), sql.Literal(presence.gone)
    if balance is None:
        return here
    return sql.SQL("CASE WHEN s.{} = 0 THEN {} ELSE {} END").format(sql.Identifier(balance.amount), gone, here)


def customer_entity() -> sql.SQL:
    """The entity under which a staged row's customer is."""
    return sql.SQL("coalesce(%(customer_entity)s, s.entity)")


def currency(stage: Stage, row: str) -> sql.Composable:
    """A row's currency; NULL in a dataset without amounts that are open."""
    balance = stage.dataset.balance
    return sql.SQL("NULL::text") if balance is None else sql.SQL("{}.{}").format(*map(sql.Identifier, (row, balance.currency)))


def amount(stage: Stage, row: str) -> sql.Composable:
    """What is open of a row."""
    balance = stage.dataset.balance
    return sql.SQL("NULL::numeric") if balance is None else sql.SQL("{}.{}").format(*map(sql.Identifier, (row, balance.amount)))


def counts(dataset: Dataset, row: str) -> sql.Composable:
    """Whether a row's kind counts in the balance."""
    balance = dataset.balance
    if balance is None or balance.type is None or not balance.uncounted:
        return sql.SQL("true")
    return sql.SQL("({}.{} <> ALL ({}::text[]))").format(sql.Identifier(row), sql.Identifier(balance.type), balance.uncounted)
