"""Fragments: pieces of SQL that statements over a stage are made of, with `s` for a staged row and `t` for one of the table."""

from collections.abc import Iterable

from psycopg import sql

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
    return values


def whole_key(stage: Stage, row: str) -> sql.Composed:
    """What a row is known by, as one text, whatever the kind of key."""
    parts = sql.SQL(", ").join([sql.Literal(" ".join(stage.key)), *key(stage, row)])
    return sql.SQL("jsonb_build_array({})::text").format(parts)


def cell(stage: Stage, row: str, name: str) -> sql.Composed:
    """A field of a staged row, or of one of the table, where the admin's own are kept together: they are compared as JSON is."""
    own = sql.SQL("{}.{}").format(sql.Identifier(row), sql.Identifier(name))
    if name not in stage.dataset.custom:
        return own
    return sql.SQL("nullif(t.custom->{}, 'null')").format(name) if row == "t" else sql.SQL("to_jsonb({})").format(own)


def same(stage: Stage) -> sql.Composed:
    """Whether a staged row is the same as one of the table. Where an entity has one kind of key, those of another are none."""
    terms = [sql.SQL("{} = {}").format(t, s) for t, s in zip(key(stage, "t"), key(stage, "s"), strict=True)]
    if stage.dataset.one_key:
        others = {each[0] for each in stage.dataset.keys if tuple(each) != stage.key and len(each) == 1}
        terms += [sql.SQL("t.{} IS NULL").format(sql.Identifier(name)) for name in sorted(others)]
    return sql.SQL(" AND ").join(terms)


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
        if name in stage.key or (name in kept(stage) and field.owner != "fill"):
            continue
        if field.derived and field.default_from[0] in kept(stage):
            continue
        old, new = cell(stage, "t", name), cell(stage, "s", name)
        take = sql.SQL("{new}" if stage.rules.blank_clears and not field.required else "coalesce({new}, {old})")
        if field.owner == "fill":
            take = sql.SQL("coalesce({old}, {new})")
        elif field.derived and not stage.rules.blank_clears:
            take = sql.SQL("CASE WHEN {given} IS NULL THEN {old} ELSE {new} END")
        given = sql.SQL("s.{}").format(sql.Identifier((field.default_from or [name])[0]))
        into = own if name in stage.dataset.custom else values
        into[name] = take.format(old=old, new=new, given=given)
    if own:
        others = sql.SQL("(coalesce(t.custom, '{{}}') - {}::text[])").format(list(own))
        values["custom"] = together(own, others)
    if stage.dataset.presence:
        values[stage.dataset.presence.state] = now(stage)
        values["scope"] = sql.SQL("%(scope)s" if stage.rules.snapshot else "CASE t.scope WHEN '' THEN %(scope)s ELSE t.scope END")
    if stage.dataset.refers_to:
        values["customer_entity"] = customer_entity()
    return values


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
