"""Tables and pages of what runs found."""

from typing import TYPE_CHECKING

from utils import distributed
from utils.errors import UserError

if TYPE_CHECKING:
    from tools.engine.run import Run


def report_on(run: "Run") -> None:
    """Write report.html into the folder of a run that has ended, unless the config forgoes it.

    What the run found is safe by then: a report that cannot be made is a warning.
    """
    if not run.config.report or run.args.dry_run or run.args.replay or not distributed.is_main():
        return
    from tools.report.page import write_report  # with plotly

    try:
        run.log.info(f"report: {write_report(run)}")
    except Exception as error:  # a second model on the device may be one too many
        what = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        run.log.warning(f"there is no report: {what}{error}; python -m tools.report {run.folder} makes it")
