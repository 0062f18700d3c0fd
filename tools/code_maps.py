"""Write docs/CODE_MAPS.md from the data files of ``fhir_mappings``: ``python -m tools.code_maps``.

With ``--check`` nothing is written, and the exit status is 1 where the page differs from the data.
"""

import csv
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from fhir_mappings.codes import DATA, LOINC, MRS_CODE, ONSET_CODE, table
from fhir_mappings.quirks import DEFAULT_QUIRKS, QUIRKS
from tools.markdown import code, coded, section

PAGE = Path(__file__).parents[1] / "docs/CODE_MAPS.md"
COMMAND = "python -m tools.code_maps"

_LEXICONS = files("fhir_mappings") / "text/lexicon"

_HEAD = f"""# Code maps

What endwatch reads from a chart, and as what. This page is generated from the data files in `fhir_mappings/data` and
`fhir_mappings/text/lexicon` by `{COMMAND}`, and a test compares them: change the data, not
the page. A site adds codes of its own by FHIR ConceptMaps: see [LOCAL_CODES.md](LOCAL_CODES.md).

Each row carries its source. *Verified* means read in independent published FHIR sources; *assumption* is a choice of
ours."""

_COLUMNS = {
    "snomed": "SNOMED CT", "prefixes": "ICD-10 begins with", "cpt": "CPT", "icd10pcs": "ICD-10-PCS begins with",
    "rxnorm": "RxNorm", "atc": "ATC begins with", "loinc": "LOINC", "categories": "category codes",
    "names": "names in its text", "words": "words", "not_words": "not in", "not_with": "not beside",
}  # fmt: skip
_VALUE_SETS = (
    ("diagnoses", "Diagnoses", "From the codes of Conditions: SNOMED CT whole, ICD-10 by its beginning, dots ignored."),
    ("drugs", "Drugs", "From orders, statements and administrations: RxNorm ingredients and SNOMED CT substances whole, ATC by its beginning, and names as whole words of the drug's text, unless words of `data/drug_words.toml` beside them deny it (an allergy is no drug). A home drug is reported, planned, of the community category or written before arrival, and not charted as over then. A thrombolytic counts as given by an administration or a Procedure only."),
    ("procedures", "Procedures", "From the codes of Procedures; status `not-done` is a decision against. A site's own code for such a decision maps to `urn:endwatch:decision|thrombectomy-declined`."),
    ("imaging", "Imaging reports", "A report is one of imaging, or *other*, by its category; else imaging by its code or a word of its title."),
)  # fmt: skip
_CODES = frozenset({"snomed", "prefixes", "cpt", "icd10pcs", "rxnorm", "atc", "loinc", "categories"})


def page() -> str:
    """The whole page, as the data files stand."""
    value_sets = (_value_set(*one) for one in _VALUE_SETS)
    measured = (_analytes(), _analyte_codes(), _single_codes(), _spellings(), _names())
    parts = (*measured, _inputs(), _nihss(), *value_sets, _findings(), _quirks(), _statuses(), _lags())
    return "\n\n".join((_HEAD, *parts)) + "\n"


def _analytes() -> str:
    lead = (
        "A value is converted to the canonical unit (UCUM). Outside its plausible range, or without a unit that fits, it "
        "is not used, and the card says so. `data/units.toml`."
    )
    names = (
        "analyte",
        "label",
        "canonical unit",
        "on a card",
        "plausible",
        "may lack a unit",
        "g/mol",
        "source of the range",
    )
    rows = [_analyte(name, row) for name, row in table("units.toml").items() if name != "spellings"]
    return section("Measurements: units and ranges", lead, names, rows)


def _analyte(name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    low, high = row["plausible"]
    lacks = "yes" if row.get("may_lack_unit") else "no"
    shown = row["shown"] or "(none)"
    return (
        code(name),
        row["label"],
        code(row["unit"]),
        shown,
        f"{low} to {high}",
        lacks,
        row.get("per_mole", ""),
        row["source"],
    )


def _analyte_codes() -> str:
    with (DATA / "analytes.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    columns = [name for name in rows[0] if name != "source"]
    lead = (
        "Order 1 is preferred; an empty cell means that our source names none. `property` is LOINC's kind of quantity. "
        "`dimer`: FEU, DDU (a DDU value is doubled), or *unknown*, which needs the unit's own word; where code and unit "
        "disagree the value is not used. `data/analytes.csv`."
    )
    marked = {"analyte", "loinc"}
    cells = [(*(code(row[name]) if name in marked else row[name] for name in columns), row["source"]) for row in rows]
    return section("Measurements: LOINC codes", lead, (*columns, "source"), cells)


def _single_codes() -> str:
    onset = (code(ONSET_CODE), "illness or injury onset date and time", "last known well")
    mrs = (code(MRS_CODE), "modified Rankin scale", "how the patient was before this stroke")
    lead = f"Each is one code of `{LOINC}`. `codes.py`."
    return section("Other Observations", lead, ("LOINC", "meaning", "read as"), (onset, mrs))


def _spellings() -> str:
    typed: dict[str, list[str]] = {}
    for text, ucum in table("units.toml")["spellings"].items():
        typed.setdefault(ucum, []).append(text)
    lead = (
        "Compared in lower case and without blanks; `u` stands for every sign of micro. All else is read as UCUM. "
        "`data/units.toml`."
    )
    return section(
        "Units as people type them",
        lead,
        ("UCUM", "typed"),
        [(code(ucum), coded(texts)) for ucum, texts in typed.items()],
    )


def _names() -> str:
    lead = (
        "Only with `ENDWATCH_TEXT_FALLBACKS`: an Observation without any LOINC code, whose whole name is one of these, is "
        "read as that code, and the card says so. The names are assumptions. `data/text_names.toml`."
    )
    rows = [(code(name), code(row["loinc"]), ", ".join(row["names"])) for name, row in table("text_names.toml").items()]
    return section("Names that stand for a code", lead, ("analyte", "read as LOINC", "names"), rows)


def _inputs() -> str:
    data = table("features.toml")
    lead = (
        f"Version {data['version']}. Windows are hours from arrival (t0), and assumptions. A value that is older than *old "
        "after* at the moment of the call counts, and the card says its age. `data/features.toml`."
    )
    names = ("input", "label", "unit", "read from", "which value", "window, h", "old after, h", "source")
    return section("Inputs of the model", lead, names, [_input(row) for row in data["feature"]])


def _input(row: Mapping[str, Any]) -> tuple[Any, ...]:
    window = f"{row['from_hours']:g} to {row['until_hours']:g}" if "from_hours" in row else ""
    old = f"{row['max_age_hours']:g}" if "max_age_hours" in row else ""
    origin = f"{row['kind']} {code(row['of'])}" if "of" in row else row["kind"].replace("_", " ")
    return code(row["name"]), row["label"], row["unit"], origin, row.get("pick", ""), window, old, row["source"]


def _nihss() -> str:
    data = table("nihss.toml")
    lead = (
        f"Total {code(data['total'])} (0 to {data['most']}); panel {code(data['panel'])}, which is not the total. Items are "
        "read from Observations, from components, and from form items by their `linkId`. Answers stand in the order of "
        f"their points, from 0; {coded(data['untestable'])} are untestable, never 0. Items {', '.join(data['motor'])} are "
        "the motor items of the END rule. Source: the panel with its answer lists in three published FHIR sources. "
        "`data/nihss.toml`."
    )
    names = ("item", "LOINC", "points", "may be untestable", "answers 0, 1, ...")
    notes = [
        f"- Untestable, as text: {coded(data['untestable_words'])} (assumption).",
        f"- Extensions that give an answer's points: {coded(data['ordinal_extensions'])}.",
        *(f"- No baseline ({why}) where a note or the method says: {', '.join(words)} (assumption)."
          for why, words in data["not_a_baseline"].items()),
    ]  # fmt: skip
    return "\n".join((section("NIH Stroke Scale", lead, names, map(_item, data["item"])), "", *notes))


def _item(row: Mapping[str, Any]) -> tuple[Any, ...]:
    untestable = "yes" if row.get("can_be_untestable") else "no"
    return row["name"], code(row["loinc"]), f"0 to {row['most']}", untestable, coded(row["answers"])


def _value_set(name: str, title: str, lead: str) -> str:
    """A value set file as a section: one column a kind of code or word, in the order in which the file has them."""
    held = table(f"value_sets/{name}.toml")
    keys = [key for key in dict.fromkeys(key for row in held.values() for key in row) if key != "source"]
    rows = [
        (code(kind), *(_listed(key, row.get(key, ())) for key in keys), row["source"]) for kind, row in held.items()
    ]
    columns = ("kind", *(_COLUMNS.get(key, key) for key in keys), "source")
    return section(title, f"{lead} `data/value_sets/{name}.toml`.", columns, rows)


def _listed(key: str, values: Sequence[str]) -> str:
    return coded(values) if key in _CODES else ", ".join(values)


def _findings() -> str:
    lead = (
        "A finding is present, absent, uncertain, historical or asked; what is not mentioned is none of them. The phrases "
        "stand in the files under `text/lexicon`, one folder a language."
    )
    folders = sorted((Path(str(one)) for one in _LEXICONS.iterdir() if one.is_dir()), key=str)
    rows = [row for folder in folders for row in _lexicon(folder)]
    return section("Findings in texts", lead, ("finding", "label", "file", "version"), rows)


def _lexicon(folder: Path) -> list[tuple[str, ...]]:
    held = {path.name: tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))}
    version = held["language.toml"]["version"]
    return [
        (code(row["name"]), row["label"], f"{folder.name}/{name}", version)
        for name, data in held.items()
        for row in data.get("finding", ())
    ]


def _quirks() -> str:
    lead = "What is mended before reading. `ENDWATCH_QUIRKS` names the ones that are on. `quirks.py`."
    rows = [
        (
            code(name),
            "on" if quirk in DEFAULT_QUIRKS else "off",
            str(quirk.__doc__).split("\n", maxsplit=1)[0].replace("``", "`"),
        )
        for name, quirk in QUIRKS.items()
    ]
    return section("Quirks of servers", lead, ("quirk", "by default", "what it mends"), rows)


def _statuses() -> str:
    lead = "A resource whose status is none of FHIR R4 for its type is left out, and the card says so. `data/statuses.toml`."
    return section(
        "Statuses", lead, ("resource", "statuses"), [(kind, coded(one)) for kind, one in table("statuses.toml").items()]
    )


def _lags() -> str:
    lead = (
        "Hours from a result's own time to the moment the chart showed it, used only where it has no `issued` and the "
        "moment lies in the past (training, replay). Assumptions. `data/lags.toml`."
    )
    rows = [(kind, f"{hours:g}") for kind, hours in table("lags.toml").items()]
    return section("Lags", lead, ("kind", "hours"), rows)


def main(arguments: Sequence[str]) -> int | str:
    """Write the page, or with ``--check`` say whether it is up to date; the exit status or its message."""
    if "--check" in arguments:
        same = PAGE.exists() and PAGE.read_text("utf-8") == page()
        return 0 if same else f"docs/{PAGE.name} differs from the data files: run {COMMAND}"
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
