"""The grid of threat models says what was tried and what was not."""

from dataclasses import dataclass

from twinset import registry
from twinset.auditing.threats import grid, not_tried, tried
from twinset.protocols import ThreatModel


@dataclass
class Named:
    name: str
    threat_model: ThreatModel


def test_every_cell_is_there_and_each_attack_in_one():
    attacks = [registry.configure("attacks", n) for n in registry.names("attacks")]
    cells = grid(attacks)
    assert len(cells) == len({(c["goal"], c["data"], c["generator"]) for c in cells}) == 5 * 3 * 4
    assert sorted(n for c in cells for n in c["attacks"]) == sorted(a.name for a in attacks)
    empty = [c for c in cells if not c["attacks"]]
    assert empty
    assert all(not c["neighbours"] and not c["release"] for c in empty)


def test_words_follow_the_attacks_that_ran():
    assert tried([]) == ()
    assert len([t for t in not_tried([]) if "not tried at all" in t]) == 5
    one = [Named("a", ThreatModel(data="none")), Named("b", ThreatModel(data="none"))]
    assert list(tried(one)) == [
        "who was in the train table, by someone who holds the release (2 attacks)"
    ]
    missing = " | ".join(not_tried(one))
    assert "an unknown value of everybody: not tried at all" in missing
    assert "who was in the train table: not tried" not in missing
    assert "can run the generator: who was in the train table" in missing
    assert "several releases" in missing
    assert "a unit more or less" in missing
    more = [*one, Named("c", ThreatModel("exact", "black-box", "membership", "add_remove"))]
    text = " | ".join(not_tried(more))
    assert "can run the generator:" not in text
    assert "a unit more or less" not in text
    assert "has the fitted model" in text
