"""Write the table of server profiles in docs/INTEGRATION.md anew: ``python -m tools.profiles``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cds_service.fhir_client.profiles import FIELDS, GENERIC, table
from tools.markdown import code, markdown_table

PAGE = Path(__file__).parents[1] / "docs/INTEGRATION.md"
BEGIN, END = "<!-- profiles: written by python -m tools.profiles -->", "<!-- profiles end -->"
_NAMES = {
    "count": "entries a page",
    "observation_count": "Observations a page",
    "report_count": "DiagnosticReports a page",
    "post_search": "long searches by POST",
    "longest_list": "characters of codes in a URL",
    "sort": "`_sort`",
    "date_bounds": "bounds of `date`",
    "code_form": "codes as",
    "lacks": "types that it lacks",
}


def rendered() -> str:
    """The table of values, and below it what each value rests on."""
    profiles = table()
    values = [[_NAMES[field], *(_value(one[field]) for one in profiles.values())] for field in FIELDS]
    sources = [[code(name), _NAMES[field], _basis(rows[field])] for name, rows in profiles.items() for field in FIELDS]
    return "\n\n".join(
        (
            markdown_table(["", *map(code, profiles)], values),
            f"*unknown*: nothing found of the vendor, so that it is asked as `{GENERIC}` is. What each value rests on:",
            markdown_table(["profile", "what", "source, or why it is unknown"], sources),
        )
    )


def _value(row: Mapping[str, Any]) -> str:
    value = row.get("value")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return code(value)
    if isinstance(value, list):
        return ", ".join(map(code, value)) or "none known"
    return "*unknown*" if value is None else str(value or "no number sent")


def _basis(row: Mapping[str, Any]) -> str:
    return str(row.get("source") or f"*unknown*: {row['unknown']}")


def page_with(text: str, inside: str) -> str:
    """The page with this between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{inside}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), rendered()), "utf-8")
