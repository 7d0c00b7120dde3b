"""What time brings: files that do not come, decisions and customers that are waited for, lost work, old bytes."""

from daemon.upkeep.missing import check_expectations
from daemon.upkeep.orphaned import tell_orphaned
from daemon.upkeep.overdue import see_to_overdue
from daemon.upkeep.rescue import rescue
from daemon.upkeep.retention import prune_archive
from daemon.upkeep.summaries import owe_summaries

__all__ = ["check_expectations", "owe_summaries", "prune_archive", "rescue", "see_to_overdue", "tell_orphaned"]
