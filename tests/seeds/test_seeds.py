"""The corpus that ships is sound, and its README says so truthfully."""

from moderation.seeds.check import check
from moderation.seeds.report import report, with_report
from moderation.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "seeds"


def test_the_seeds_are_sound():
    assert [str(finding) for finding in check(SEEDS)] == []


def test_the_readme_shows_the_current_figures():
    readme = SEEDS / "README.md"
    assert readme.read_text(encoding="utf-8") == with_report(readme, report(SEEDS)), (
        "run: moderation seeds report --write"
    )
