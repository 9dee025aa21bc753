"""Whatever is found and whoever reads: nothing below its floor is shown, and all figures agree."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandrun.errors import PrivacyFault
from islandrun.privacy.fields import texts
from islandrun.privacy.forms import Form, form_for, seen_ppm
from islandrun.privacy.general import generalise
from islandrun.privacy.restore import restore
from islandrun.privacy.sanitize import mask, sanitize
from islandrun.privacy.sensitivity import Assessment, Detector, assess
from islandrun.privacy.topics import Topic
from islandrun.privacy.vault import Vault
from islandrun.vocabulary import Finding, FindingType, General, Grain, Message, Ppm, Prompt

QUICK = settings(deadline=None, max_examples=300, derandomize=True)
TRUST = st.integers(0, 1_000_000).map(Ppm)
VALUES = {
    "52,340 EUR": FindingType.QUANTITY,
    "$1,299": FindingType.QUANTITY,
    "82 kg": FindingType.QUANTITY,
    "47": FindingType.DEMOGRAPHIC,
    "nurse": FindingType.DEMOGRAPHIC,
    "12.03.2024": FindingType.DATE,
    "03.2024": FindingType.DATE,
    "2024": FindingType.CODE,
    "March 12, 1984": FindingType.DATE,
    "Lisbon": FindingType.LOCATION,
    "Anna Kern": FindingType.PERSON,
    "ZX-77-2024": FindingType.CODE,
    "Contoso": FindingType.ORG,
}
ASKS = [
    "How much is 20 % of ",
    "How many days between ",
    "which screening at my age? ",
    "Plan a trip to ",
    "born ",
    "I live in ",
    "[QUANTITY_1] ",
    "about ",
    ", ",
    " and ",
    "\n",
]
TEXT = st.lists(st.sampled_from([*VALUES, *ASKS]), max_size=8).map(" ".join)


class Known:
    """Finds the values above, and those alone."""

    name, finds_names = "known", True

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Return every place of every value."""
        found = []
        for value, kind in VALUES.items():
            start = text.find(value)
            while start >= 0:
                found.append(Finding(start, start + len(value), kind, Ppm(1), Ppm(0), self.name))
                start = text.find(value, start + 1)
        return tuple(found)


DETECTORS: tuple[Detector, ...] = (Known(),)


def judged(parts: list[str]) -> tuple[Prompt, Assessment]:
    prompt = Prompt(tuple(Message("user", part) for part in parts))
    return prompt, assess(prompt, DETECTORS)


@given(st.lists(TEXT, min_size=1, max_size=3), TRUST)
@QUICK
def test_what_is_counted_is_what_is_done(parts: list[str], trust: Ppm) -> None:
    prompt, assessment = judged(parts)
    if assessment.visible_ppm(trust) > trust:
        with pytest.raises(PrivacyFault):
            sanitize(prompt, assessment, trust, Vault())
        return
    vault = Vault()
    sanitized = sanitize(prompt, assessment, trust, vault)
    assert sanitized.visible_ppm == assessment.visible_ppm(trust)
    counted = tuple(item for item in sanitized.masked if item[0] is not FindingType.LITERAL)
    assert counted == assessment.masked(trust)
    masked = mask(texts(prompt), assessment.findings, trust, vault)
    general = [one.type for part in masked for one, word in part.spans if word not in vault.originals()]
    assert Counter(general) <= Counter(dict(assessment.generalised(trust)))


@given(st.lists(TEXT, min_size=1, max_size=3), TRUST)
@QUICK
def test_nothing_below_its_floor_is_shown_and_masked_parts_come_back(parts: list[str], trust: Ppm) -> None:
    prompt, assessment = judged(parts)
    vault, places = Vault(), texts(prompt)
    masked = mask(places, assessment.findings, trust, vault)
    for text, found, one in zip(places, assessment.findings, masked, strict=True):
        for finding in found:
            value = text[finding.start : finding.end]
            if finding.floor_ppm > trust and len(value) > 2:
                assert all(value not in gap for gap in one.visible)
                assert all(value != word for _, word in one.spans)
        back, at = "", 0
        for finding, word in one.spans:
            original = text[finding.start : finding.end]
            back += text[at : finding.start] + (original if word in vault.originals() else word)
            at = finding.end
        assert restore(one.text, vault) == back + text[at:]
    again = mask(places, assessment.findings, trust, vault)
    assert [one.text for one in again] == [one.text for one in masked]


FINDING = st.builds(
    lambda kind, floor, general: Finding(0, 1, kind, Ppm(1), Ppm(floor), "t", general),
    st.sampled_from(FindingType),
    st.integers(0, 1_000_000),
    st.none() | st.builds(General, st.sampled_from(Grain), st.integers(0, 1_000_000).map(Ppm)),
)


@given(st.lists(FINDING, max_size=6), st.integers(0, 1_000_000), TRUST, TRUST)
@QUICK
def test_the_four_agree_and_more_trust_never_sees_less(
    findings: list[Finding], topic: int, one: Ppm, other: Ppm
) -> None:
    low, high = sorted((one, other))
    topics = (Topic("t", Ppm(topic), Ppm(topic // 2)),)
    highest = max([topic, *(one.floor_ppm for one in findings)])
    plain = Assessment((tuple(findings),), topics, Ppm(highest), ())
    forms = [form_for(finding, low) for finding in findings]
    assert all(seen_ppm(finding, low) <= low for finding in findings)
    if low < highest:
        assert plain.visible_ppm(low) == max([topic // 2, *(seen_ppm(one, low) for one in findings)])
    assert sum(count for _, count in plain.masked(low)) == sum(form is not Form.KEEP for form in forms)
    assert sum(count for _, count in plain.generalised(low)) == forms.count(Form.GENERALISE)
    order = [Form.MASK, Form.GENERALISE, Form.KEEP]
    assert all(order.index(form_for(one, low)) <= order.index(form_for(one, high)) for one in findings)
    bare = Assessment((tuple(plain_of(one) for one in findings),), topics, Ppm(highest), ())
    assert bare.exposure_ppm(low) <= plain.exposure_ppm(low) <= bare.exposure_ppm(Ppm(1_000_000))


def plain_of(finding: Finding) -> Finding:
    return Finding(
        finding.start, finding.end, finding.type, finding.confidence_ppm, finding.floor_ppm, finding.source
    )


NOTATION = st.text("0123456789.,/-' €$%EURMarch KkmM年", max_size=14)


@given(NOTATION | st.text(max_size=70), st.sampled_from(Grain))
@settings(QUICK, max_examples=2000)
def test_a_general_form_is_general_already_and_short(value: str, grain: Grain) -> None:
    general = generalise(value, grain)
    if general is not None:
        assert generalise(general, grain) == general
        assert sum(map(str.isdigit, general)) <= max(4, sum(map(str.isdigit, value)) + 2)


@given(
    st.dates(date(1800, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y"]),
)
@QUICK
def test_days_of_one_month_have_one_form_or_the_year(day: date, notation: str) -> None:
    forms = {
        generalise(day.replace(day=number).strftime(notation), Grain.MONTH) for number in (*range(13, 29),)
    }
    assert len(forms) == 1
    assert all(form is not None and str(day.year) in form for form in forms)
    assert generalise(day.strftime(notation), Grain.YEAR) == str(day.year)


@given(st.integers(1, 10**9), st.sampled_from(["{:,} EUR", "${:,}", "EUR {}", "{} €"]))
@QUICK
def test_an_amount_shows_one_digit(amount: int, notation: str) -> None:
    general = generalise(notation.format(amount), Grain.MAGNITUDE)
    assert general is not None
    digits = "".join(filter(str.isdigit, general))
    assert digits.rstrip("0") == digits[0]
    assert 2 * amount >= int(digits) >= amount / 2
