"""What the demo asks, where each request must go, and what must not leave: the demo fails on any surprise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

CLOUD_MODEL: Final = "demo-cloud"
"""Asked for by name where the user wants the strong model; left alone, secrets stay at home."""

CARD: Final = "4111 1111 1111 1111"
API_KEY: Final = "sk-proj-" + "Jq7vT2mZ8xLw4RbN6yKd3HcP"
"""Made up, and in two parts so that no scanner takes it for a real one."""

MAIL: Final = """Reply to this mail:

Dear Ms Nakamura,
thank you for the call. Please send the signed contract to marta.olsen@harbour-tools.example or ring me at
+49 30 901820 before Friday.
Kind regards,
Marta Olsen"""

LETTER: Final = """Rewrite this letter in simple words: Dear Mr Okafor, the biopsy confirmed the diagnosis of
lymphoma. Therapy begins on 3 March. Yours, Dr. Elif Demir"""

REPORT: Final = "Which sentence says when the pumps are serviced?\n\n" + "\n".join(
    f"Paragraph {number}: the water level of basin {number} stayed within its limits during the whole "
    "quarter, and nobody had to open a valve by hand."
    + (" The pumps are serviced in spring." if number == 31 else "")
    for number in range(1, 61)
)

CODE: Final = f"""Why does this print an empty list?

```python
api_key = "{API_KEY}"
client = connect(api_key)
print(client.list_orders(limit=0))
```"""


@dataclass(frozen=True, slots=True)
class Case:
    """One request of the demo and what it must lead to. `island` empty: nobody may see it."""

    what: str
    text: str = field(repr=False)
    island: str
    how: str
    originals: tuple[str, ...] = field(default=(), repr=False)
    hints: dict[str, object] = field(default_factory=dict)
    model: str = "islandrun/auto"
    conversation: str = ""
    contains: str = ""


CASES: Final = (
    Case("a public question", "What is the highest mountain on earth?", "cloud", "as_is", contains="Everest"),
    Case(
        "a mail with names and a phone number",
        MAIL,
        "laptop",
        "local",
        ("Nakamura", "marta.olsen@harbour-tools.example", "901820", "Marta Olsen"),
    ),
    Case(
        "a card number",
        f"The card {CARD} was declined. Draft a polite note that names the card and asks for another one.",
        "cloud",
        "masked",
        (CARD,),
        model=CLOUD_MODEL,
        conversation="card",
    ),
    Case(
        "a follow-up turn about that card",
        f"Add that the card {CARD} may be tried once more, and keep the note short.",
        "cloud",
        "masked",
        (CARD,),
        model=CLOUD_MODEL,
        conversation="card",
    ),
    Case("source code with a key", CODE, "cloud", "masked", (API_KEY,), model=CLOUD_MODEL),
    Case(
        "a question on the office's documents",
        "How many days of paid holiday do we get each year?",
        "office",
        "as_is",
        hints={"datasets": ["handbook"]},
        contains="28 days",
    ),
    Case("a long text", REPORT, "cloud", "as_is", contains="serviced in spring"),
    Case(
        "a diagnosis, at home",
        LETTER,
        "laptop",
        "local",
        ("Okafor", "Elif Demir", "lymphoma"),
    ),
    Case(
        "a diagnosis, asked of the cloud's model",
        LETTER,
        "",
        "refused",
        ("Okafor", "Elif Demir", "lymphoma"),
        model=CLOUD_MODEL,
    ),
)
"""In this order: a follow-up needs the turn before it."""
