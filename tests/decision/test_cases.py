"""Decisions a non-programmer can read: JSON cases, each a policy, a question and the answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy import Policy, Subject
from policy.document import Source, read

FOLDER = Path(__file__).parent / "cases"
CASES = [
    pytest.param(json.dumps(content["policy"]), case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for content in [json.loads(path.read_text(encoding="utf-8"))]
    for case in content["cases"]
]


@pytest.mark.parametrize(("document", "case"), CASES)
def test_the_case_holds(document: str, case: dict[str, Any]) -> None:
    """Reason, applying rules where they are given, and the first sentence of the change where it is given."""
    rules = Policy(read([Source(name="policy.json", text=document.encode())]))
    subject = Subject(
        id="somebody",
        authority=case.get("authority", "roles-and-scopes"),
        tenant=case.get("subject_tenant"),
        roles=case.get("roles", []),
        bound_roles=[(role, tenant) for role, tenant in case.get("bound_roles", [])],
        scopes=case.get("scopes", []),
        permissions=case.get("permissions", []),
        acr=case.get("acr"),
        auth_time=case.get("auth_time"),
    )
    decision = rules.decide(subject, case["permission"], now=1000.0, tenant=case.get("tenant"))
    explanation = decision.explain()
    change = explanation.change.sentences()[0] if explanation.change else None
    assert decision.reason == case["expect"]
    assert list(explanation.rules) == case.get("rules", [])
    assert change == case.get("change", change)
