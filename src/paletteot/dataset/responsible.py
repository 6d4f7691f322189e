"""What a release says of its limits, biases and uses: written once, for its card and for Croissant's RAI vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paletteot.dataset.pictures import SHARE_ALIKE, Pictures

if TYPE_CHECKING:
    from paletteot.dataset.release import ReleaseFacts

SYNTHETIC = False
"""Whether records were made up: palettes are of photographs, labels are computed from them."""

SOCIAL_IMPACT = (
    "Small. Faster transport saves computing time and energy; moving one picture's colours onto another is an old and "
    "harmless edit. The data says nothing of persons, and a method that does well here decides nothing about them."
)

SHIPPED = {
    "bundled": "ship inside wheels of Python packages",
    "packages": "ship inside packages of Debian and npm",
}
"""Where the photographs of a source are, for those that are no user's choice."""


@dataclass(frozen=True)
class Said:
    """Sentences of a release about itself; derived_from, generated_by: rows of name and description."""

    limitations: list[str]
    biases: list[str]
    personal: list[str]
    uses: list[str]
    social_impact: str
    maintenance: str
    passing_on: str
    synthetic: bool
    derived_from: list[dict[str, str]]
    generated_by: list[dict[str, str]]


def of(taken: Pictures, k: int, eps: str, facts: ReleaseFacts) -> Said:
    """Return what a release says of itself; taken: what its pictures are. eps: of its rows, in words."""
    return Said(
        limitations=_limitations(taken, k, eps),
        biases=_biases(taken),
        personal=_personal(taken),
        uses=_uses(eps),
        social_impact=SOCIAL_IMPACT,
        maintenance=_maintenance(facts.contact),
        passing_on=_passing_on(taken),
        synthetic=SYNTHETIC,
        derived_from=_derived_from(taken),
        generated_by=_generated_by(facts.params),
    )


def _limitations(taken: Pictures, k: int, eps: str) -> list[str]:
    return [
        f"{taken.count} pictures of {taken.photographs} photographs in {taken.groups} groups: palettes of one "
        "photograph resemble one another, and results say how a method does on photographs like these only.",
        f"k = {k}, eps = {eps} LAB units and the Euclidean cost only.",
        "Palettes hold no position in the picture: nothing here is about texture, objects or layout.",
        "Pairs share pictures and pictures share photographs, so pairs are not independent observations.",
    ]


def _biases(taken: Pictures) -> list[str]:
    where = SHIPPED.get(taken.source, f"the source {taken.source} holds")
    found = [
        f"Photographs are those that {where}, as whoever put them there chose them; they are no sample of the world's "
        "photographs: subjects, regions and cameras are not balanced."
    ]
    if taken.graded:
        found.append("Colours are graded by seeded, random curves: palettes are not those that a camera gives.")
    return found


def _personal(taken: Pictures) -> list[str]:
    people = "Photographs may show people; the release holds no pixels, and no person can be told from a palette."
    named = "The table images names, as the source does, who made each photograph and where it was published."
    return [people, named] if taken.open else [people, f"{named} It is not passed on."]


def _uses(eps: str) -> list[str]:
    return [
        "Learning to predict the dual potential, or the plan, of entropic optimal transport between colour palettes.",
        "Comparing warm starts and solvers on problems with exact labels and counted iterations.",
        f"Testing solvers on free supports of real data, at eps = {eps} LAB units.",
        "Not for: judging photographs or people, finding pictures again, or claims about transport problems of another "
        "kind, size or regularisation.",
    ]


def _maintenance(contact: str) -> str:
    return (
        f"The PaletteOT authors maintain it; contact, and where faults are told: {contact}. A version is never edited: "
        "a mended one has a higher number (a changed byte in a column is major, new rows minor, text patch), a section "
        "in the project's CHANGELOG.md and a tag; earlier versions stay. Who made a photograph and wants it taken out "
        "says so there, and the next version goes without it."
    )


def _passing_on(taken: Pictures) -> str:
    if not taken.share_alike:
        return ""
    return (
        f"Whoever passes on pixels of the {SHARE_ALIKE} photographs ({', '.join(taken.share_alike)}), crops "
        "and gradings too, does so under the same licence; no pixels are in the release."
    )


def _derived_from(taken: Pictures) -> list[dict[str, str]]:
    return [
        {
            "name": row["name"],
            "description": f"{row['photographs']} photographs, of which {row['pictures']} pictures were made",
        }
        for row in taken.sources
    ]


def _generated_by(params: Any) -> list[dict[str, str]]:
    images, palettes, pairs = (params[name] for name in ("images", "palettes", "pairs"))
    graded = " and gradings in CIELAB" if images["grading"] else ""
    done = {
        "images": f"seeded crops{graded} of photographs; seed {images['seed']}",
        "palettes": f"k-means of the distinct colours of each picture in CIELAB; seed {palettes['seed']}",
        "pairs": f"a seeded draw in five splits, disjoint by group; seed {pairs['seed']}",
        "plans": "exact potentials by an epsilon schedule, Anderson-accelerated Sinkhorn and damped Newton, to an L1 "
        f"marginal error of at most {params['plans']['tolerance']:.0e}; no person labelled anything",
    }
    return [{"name": name, "description": what} for name, what in done.items()]
