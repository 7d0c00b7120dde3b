"""Loading: staged rows checked and merged into a dataset's table, all in the caller's transaction, never row by row."""

from daemon.db import Declared, declared
from daemon.loading.acts import Act, acts, adopt, undo_act
from daemon.loading.aliases import resolve_aliases, see_none_is_new
from daemon.loading.alike import open_elsewhere
from daemon.loading.brake import by_value, by_value_of_changes, scaled
from daemon.loading.checks import countries, known_customers, settle_twins, turned_down, written_otherwise
from daemon.loading.credit_source import SOURCES, reject_elsewhere, unexplained
from daemon.loading.diff import changes
from daemon.loading.doubts import doubtful, reject_doubtful
from daemon.loading.lateness import refuse_stale, skip_older
from daemon.loading.locks import lock_entities, rehearses
from daemon.loading.lookalikes import look_alikes
from daemon.loading.looking import customer_card, find_customers, find_waiting, stored
from daemon.loading.matching import reject_ambiguous, reject_outdated, skip_known
from daemon.loading.merge import Merged, merge
from daemon.loading.merging import merge_customers, settle_aliases
from daemon.loading.moved import alike_elsewhere, same_number_waiting, skip_moved_on
from daemon.loading.numbering import carry_over, leave_out_year, reject_other_year
from daemon.loading.orphans import orphans
from daemon.loading.pairs import find_pairs
from daemon.loading.parked import park, release_parked, replace_parked, waiting_for
from daemon.loading.renumbering import renumber
from daemon.loading.snapshot import accept, clear_absent, find_absent, scope_effects
from daemon.loading.staging import SHARED_STAGE_BYTES, Rules, Stage, clear, copy, open_stage, prepare, protect
from daemon.loading.standing import Standing, standing
from daemon.loading.totals import Totals, ledger_statement, open_totals
from daemon.loading.traces import confirm, suppress, written
from daemon.loading.undo import Undone, undo

__all__ = [
    "SHARED_STAGE_BYTES",
    "SOURCES",
    "Act",
    "Declared",
    "Merged",
    "Rules",
    "Stage",
    "Standing",
    "Totals",
    "Undone",
    "accept",
    "acts",
    "adopt",
    "alike_elsewhere",
    "by_value",
    "by_value_of_changes",
    "carry_over",
    "changes",
    "clear",
    "clear_absent",
    "confirm",
    "copy",
    "countries",
    "customer_card",
    "declared",
    "doubtful",
    "find_absent",
    "find_customers",
    "find_pairs",
    "find_waiting",
    "known_customers",
    "leave_out_year",
    "ledger_statement",
    "lock_entities",
    "look_alikes",
    "merge",
    "merge_customers",
    "open_elsewhere",
    "open_stage",
    "open_totals",
    "orphans",
    "park",
    "prepare",
    "protect",
    "refuse_stale",
    "rehearses",
    "reject_ambiguous",
    "reject_doubtful",
    "reject_elsewhere",
    "reject_other_year",
    "reject_outdated",
    "release_parked",
    "renumber",
    "replace_parked",
    "resolve_aliases",
    "same_number_waiting",
    "scaled",
    "scope_effects",
    "see_none_is_new",
    "settle_aliases",
    "settle_twins",
    "skip_known",
    "skip_moved_on",
    "skip_older",
    "standing",
    "stored",
    "suppress",
    "turned_down",
    "undo",
    "undo_act",
    "unexplained",
    "waiting_for",
    "written",
    "written_otherwise",
]
