"""Names of people, by what stands around them; a name without such words is not found here.

Greetings, sign-offs, titles, introductions, header lines, names before a mail address, and words
such as "my client". What a rule captures is trimmed: ordinary words at its end are no part of a name.
"""

from __future__ import annotations

import re
from typing import Final

from islandrun.privacy.detect.rule import CONTEXT, Rule
from islandrun.privacy.detect.words import AMBIGUOUS, CAPITALISED, ORDINARY, RELATIONS, words
from islandrun.vocabulary import FindingType

_UP = (
    "[A-Z\u00c0-\u00d6\u00d8-\u00de\u0100\u0104\u0106\u010c\u010e\u0110\u0112\u0116\u0118\u011a\u011e"
    "\u0130\u0139\u013d\u0141\u0143\u0147\u0150\u0154\u0158\u015a\u015e\u0160\u0164\u016e\u0170\u0179"
    "\u017b\u017d\u0218\u021a]"
)
_LETTER = r"[^\W\d_]"
_WORD = rf"{_UP}(?:{_LETTER}|['-](?={_LETTER})){{1,30}}"
_PARTICLE = (
    r"(?:van der|van den|van|von der|von|zu|de la|de los|de|del|della|di|da|dos|du|der|den|ter|ten|le|la|"
    r"bin|ibn|al|el|y|e)"
)
_NAME = rf"{_WORD}(?:[ \t]{{1,2}}(?:(?:{_PARTICLE} )?{_WORD}|{_UP}\.(?= {_UP}))){{0,3}}(?!{_LETTER})"
_FULL = rf"{_WORD}(?:[ \t]{{1,2}}(?:(?:{_PARTICLE} )?{_WORD}|{_UP}\.(?= {_UP}))){{1,3}}(?!{_LETTER})"
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Dame|Herr|Herrn|Frau|Mme|Mlle|Monsieur|Madame|Sr|"
    r"Sra|Srta|Se\u00f1or|Se\u00f1ora|Don|Do\u00f1a|"
    r"Rev|Capt|Captain|Sgt|Lt|Col|Judge|Justice|Nurse|Officer|Detective|Uncle|Aunt|Auntie|Grandma|Grandpa|"
    r"Dhr|Mevr|Signor|Signora|Pan|Pani)"
)
_LOW_NAME = rf"{_LETTER}{{2,20}}(?:[ ]{_LETTER}{{2,20}})?"

_GREETING: Final = re.compile(
    r"(?<!\w)(?:Dear|Hi|Hello|Hey|Good (?:morning|afternoon|evening)|Hallo|Liebe|"
    r"Lieber|Moin|Guten Tag|Sehr geehrte[rs]?|Bonjour|Salut|"
    rf"Cher|Ch\u00e8re|Hola|Estimad[oa]|Querid[oa]|Ciao|Caro|Cara|Beste|Geachte|"
    rf"To my dear),?[ \t]{{1,3}}(?:{_TITLE}\.?[ \t]{{1,2}}){{0,2}}(?P<value>{_NAME})"
)
_GREETING_LOWER: Final = re.compile(
    rf"^(?:hi|hello|hey|dear|hallo)[ ](?P<value>{_LETTER}{{3,20}})(?=,|!|\n)", re.MULTILINE
)
_SIGN_OFF: Final = re.compile(
    r"(?:(?:[Bb]est|[Kk]ind|[Ww]arm|[Ww]armest|[Kk]indest)? ?[Rr]egards|[Bb]est(?: wishes)?|"
    r"[Ss]incerely(?: yours)?|[Yy]ours(?: truly| sincerely| faithfully)?|[Cc]heers|[Tt]hanks(?: again|"
    r" a lot| so much)?|"
    r"[Tt]hank you|[Mm]any thanks|[Ll]ove|[Rr]espectfully|[Cc]ordially|"
    r"[Mm]it freundlichen Gr\u00fc\u00dfen|[Mm]it besten Gr\u00fc\u00dfen|[Vv]iele Gr\u00fc\u00dfe|"
    r"[Ll]iebe Gr\u00fc\u00dfe|[Bb]este Gr\u00fc\u00dfe|LG|VG|MfG|"
    r"[Cc]ordialement|[Bb]ien \u00e0 vous|[Ss]aludos(?: cordiales)?|[Aa]tentamente|[Uu]n abrazo|"
    r"[Cc]ordiali saluti|[Mm]et vriendelijke groet(?:en)?|[Ss]igned|xoxo|XOXO)"
    rf"[,.!]?[ \t]{{0,3}}(?:\r?\n[ \t>]{{0,8}}){{1,3}}(?:- ?|-- ?|\u2013 ?)?"
    rf"(?:{_TITLE}\.? )?(?P<value>{_NAME})"
)
_SIGN_OFF_INLINE: Final = re.compile(
    rf"(?:[Rr]egards|[Ss]incerely|[Cc]heers|[Bb]est|Yours truly|Signed"
    rf"(?: by)?)[,:][ ](?P<value>{_NAME})(?=[.]?\s{{0,3}}(?:\Z|\n|\"))"
)
_DASH_SIGNATURE: Final = re.compile(rf"\n(?:--|-|\u2014)[ ]?\r?\n?(?P<value>{_FULL})[ \t]{{0,3}}(?:\r?\n|\Z)")
_BRAND = (
    r"(?:Dr\.? (?:Pepper|Who|Strange|Seuss)|Doctor (?:Who|Strange)|Mr\.? (?:Robot|Bean|Potato|Spock)|"
    r"Uncle (?:Sam|Ben)|"
    r"Aunt Jemima|Captain (?:America|Hook|Morgan|Marvel|Nemo)|Judge (?:Judy|Dredd)|Miss (?:Universe|"
    r"America|World)|"
    r"Sir Lancelot|Don (?:Quixote|Juan|Giovanni)|Justice League|Sherlock Holmes)(?!\w)"
)
"""Names with a title that name no private person."""
_TITLED: Final = re.compile(
    rf"(?<!\w)(?!{_BRAND})(?:{_TITLE}\.?|M\.)[ \t\u00a0]{{1,2}}(?:(?:Dr|Prof|med)"
    rf"\.? ){{0,2}}(?P<value>(?:{_UP}\. ?){{0,2}}{_NAME})"
)
_TITLED_LOWER: Final = re.compile(
    rf"(?<!\w)(?!{_BRAND.lower()})(?:mr|mrs|dr|herr|frau)\.?[ ](?P<value>{_LETTER}{{3,20}})(?!\w)"
)
_INTRODUCED: Final = re.compile(
    r"(?<!\w)(?:[Mm]y (?:full |real |first |last |legal )?name(?: is|'s)|[Nn]ame is|(?:someone|somebody|"
    r"person|people|man|woman|guy|girl|boy|lady|gentleman|kid|mate|user|author|researcher) (?:named|called)|"
    r"[Ii]ch hei\u00dfe|[Mm]ein Name ist|[Jj]e m'appelle|[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|"
    r"[Mm]ijn naam is|[Cc]all me|[Oo]n behalf of|[Bb]orn as|[Ss]poke (?:to|with)|"
    r"[Mm]et with|[Tt]alked to|[Ee]mailed|[Mm]essaged|[Ss]ent by|[Ss]igned by|[Rr]eported by|[Aa]ssigned to|"
    rf"[Aa]pproved by|[Rr]eferred by|[Aa]ccount of)[ ]{{1,2}}(?:{_TITLE}\.? )?(?P<value>{_NAME})"
)
_TOLD_TO_WRITE: Final = re.compile(
    rf"(?<!\w)(?:[Ee]mail|[Mm]essage|[Ww]rite to|[Aa]sk|[Tt]ell|[Cc]ontact)[ ]{{1,2}}(?:{_TITLE}\.? )"
    rf"?(?P<value>{_FULL})"
    r"(?=[ ](?:about|at|to|that|and|by|today|tomorrow|for|with|back|regarding|on|if|when|whether)\b|"
    r"[.,;:!?\n(<]|$)"
)
_INTRODUCED_LOWER: Final = re.compile(
    rf"(?<!\w)(?:my (?:full |real |first |last )?name(?: is|'s)|ich hei\u00dfe|mein name ist|je m'appelle|"
    rf"me llamo|mi nombre es)[ ](?P<value>{_LOW_NAME})(?!\w)"
)
_I_AM: Final = re.compile(
    rf"(?<!\w)(?:I am|I'm|i am|i'm|[Tt]his is|[Ii]t's|[Ii]ch bin|[Jj]e suis|[Ss]oy|[Ss]he is|[Hh]e is|"
    rf"[Nn]ow speaking)[ ](?P<value>{_FULL})"
)
_HEADER: Final = re.compile(
    r"(?<![\w-])(?:From|To|Cc|CC|Bcc|Sender|Recipient|[Pp]atient|[Nn]ame|[Cc]ustomer|[Cc]lient|[Ee]mployee|"
    r"[Ff]ull[ _]?[Nn]ame|[Ff]irst[ _]?[Nn]ame|[Ll]ast[ _]?[Nn]ame|[Ss]urname|[Gg]iven[ _][Nn]ame|"
    r"[Ff]amily[ _][Nn]ame|"
    r"[Cc]ontact(?: [Pp]erson)?|Attn|[Aa]ttention|[Aa]uthor|[Aa]ssignee|[Rr]eporter|[Aa]pplicant|"
    r"[Cc]andidate|[Tt]enant|[Ll]andlord|[Ss]tudent|[Pp]hysician|[Dd]octor|[Ii]nsured|[Bb]eneficiary|"
    r"[Aa]ccount [Hh]older|[Cc]ardholder|"
    r"[Cc]ard [Hh]older|[Ss]igned|[Ww]itness|[Pp]laintiff|[Dd]efendant|[Mm]anager|[Ss]upervisor|[Oo]wner|"
    r"[Gg]uest|[Pp]assenger|[Uu]ser|[Mm]other|[Ff]ather|[Ss]pouse|[Ee]mergency [Cc]ontact|"
    r"[Nn]ext of [Kk]in|"
    r"Kunde|Patientin|Vorname|Nachname|Mitarbeiter(?:in)?|Absender|Empf\u00e4nger|Ansprechpartner(?:in)?|"
    r"Nom|Pr\u00e9nom|Nombre|Apellidos?|Cliente|Paciente|Mittente|customer_name|patient_name|employee_name|"
    r"display_name|user_name|author_name|recipient_name|contact_name)"
    rf"(?: [Nn]ame)?[\"'*]{{0,3}}[ \t]{{0,3}}[:=][ \t\"'*]{{0,4}}(?:{_TITLE}\.? )?"
    rf"(?P<value>(?:{_UP}{_LETTER}{{1,30}}, )?{_NAME})"
)
_BEFORE_MAIL: Final = re.compile(
    rf"(?P<value>{_NAME})\"?[ \t]{{0,2}}(?:<|\(|\[mailto:|, ?|: ?|- ?)(?=[\w.+%-]{{1,64}}@[\w-]{{1,63}}\.)"
)
_RELATED: Final = re.compile(
    rf"(?<!\w)(?:{'|'.join(RELATIONS)}|[Pp]atient|[Ee]mployee|[Cc]lient|[Cc]ustomer|"
    rf"[Cc]olleague|[Mm]anager),?[ ]"
    rf"(?:named |called |is )?(?:{_TITLE}\.? )?(?P<value>{_NAME})"
)
_DESCRIBED: Final = re.compile(
    rf"(?<!\w)(?P<value>{_FULL})(?=,? (?:\([0-9]{{2}}\)|\(?born |\(?aged? [0-9]|[0-9]{{1,2}},|\(?DOB|"
    rf"\(?SSN|was diagnosed|has been diagnosed|was born|lives (?:at|in)|was (?:hired|fired|arrested|"
    rf"admitted|prescribed)|"
    r"called (?:me|us)|e?mailed (?:me|us)|wrote (?:me|us|to)|owes|tested positive))"
)
_LIST_NAMES: Final = re.compile(
    rf"(?<!\w)(?:[Aa]ttendees|[Pp]articipants|[Mm]embers|[Pp]resent|[Gg]uests|[Tt]eilnehmer|[Aa]uthors|"
    rf"[Nn]ames)[ \t]?:[ ](?P<value>{_NAME}(?:(?:, ?| and | & |, and ){_NAME}){{0,12}})"
)

_NOBODY: Final = words(
    """
    all team everyone everybody sir madam there assistant chatgpt claude world friends friend colleagues
    customer hiring manager folks guys ladies gentlemen class students parents diary santa god lord
    damen herren alle zusammen tous messieurs recruiter committee board editor reader valued it member
    members
    """
)
_LOW_NOBODY: Final = ORDINARY | _NOBODY


def name_length(value: str) -> int:
    """Return how many characters of a match are a name: ordinary words end it, and cannot begin it."""
    end = 0
    for found in re.finditer(r"[^\s,&]+", value):
        word = found[0].strip(".'-").lower()
        if word in _NOBODY or (word in ORDINARY and len(word) > 1 and not _may_be_surname(word, end)):
            break
        end = found.end()
    if end and value[:end].lower() in CAPITALISED:
        return 0
    return end


def _may_be_surname(word: str, end: int) -> bool:
    """Allow an ordinary word inside a name only where people bear it as a name."""
    return word in AMBIGUOUS or (bool(end) and word in _PARTICLES)


_PARTICLES: Final = words(
    """
    van von der den de la los del da di du le el al y e zu ter ten
    """
)


def _low_name(value: str) -> int:
    """Accept a name in small letters: its first word must be no ordinary word."""
    first, _, second = value.lower().partition(" ")
    if first in _LOW_NOBODY - AMBIGUOUS or first in CAPITALISED - AMBIGUOUS:
        return 0
    return len(first) if not second or second in ORDINARY else len(value)


_GREETINGS = (
    "dear",
    "hi",
    "hello",
    "hey",
    "good",
    "hallo",
    "liebe",
    "moin",
    "guten",
    "geehrt",
    "bonjour",
    "salut",
    "ch",
    "hola",
    "estimad",
    "querid",
    "ciao",
    "car",
    "beste",
    "geachte",
)
_SIGN_OFFS = (
    "regards", "best", "sincerely", "yours", "cheers", "thank", "love", "respectfully", "cordially",
    "gr\u00fc\u00df", "lg\n",
    "vg\n", "mfg\n", "lg,", "vg,", "mfg,", "cordialement", "bien \u00e0", "saludos", "atentamente",
    "abrazo", "saluti", "groet", "signed", "xoxo",
)  # fmt: skip
_NEW_LINE: Final = re.compile(r"\n[ \t>]{0,8}(?:- ?|-- ?)?[^\W\d_a-z]")
_PERSON = FindingType.PERSON

RULES: Final = (
    Rule("name.greeting", _PERSON, _GREETING, CONTEXT, _GREETINGS, name_length),
    Rule(
        "name.greeting_lower",
        _PERSON,
        _GREETING_LOWER,
        CONTEXT,
        ("hi", "hello", "hey", "dear", "hallo"),
        _low_name,
        lower=True,
    ),
    Rule("name.sign_off", _PERSON, _SIGN_OFF, CONTEXT, _SIGN_OFFS, name_length, needs=_NEW_LINE),
    Rule(
        "name.sign_off_inline",
        _PERSON,
        _SIGN_OFF_INLINE,
        CONTEXT,
        ("regards", "sincerely", "cheers", "best", "truly", "signed"),
        name_length,
    ),
    Rule("name.dash_signature", _PERSON, _DASH_SIGNATURE, CONTEXT, ("\n-", "\n\u2014"), name_length),
    Rule("name.titled", _PERSON, _TITLED, CONTEXT, fit=name_length),
    Rule(
        "name.titled_lower",
        _PERSON,
        _TITLED_LOWER,
        CONTEXT,
        ("mr", "dr", "herr", "frau"),
        _low_name,
        lower=True,
    ),
    Rule("name.introduced", _PERSON, _INTRODUCED, CONTEXT, fit=name_length),
    Rule(
        "name.told_to_write",
        _PERSON,
        _TOLD_TO_WRITE,
        CONTEXT,
        ("email ", "message ", "write to ", "ask ", "tell ", "contact "),
        name_length,
    ),
    Rule(
        "name.introduced_lower",
        _PERSON,
        _INTRODUCED_LOWER,
        CONTEXT,
        ("name", "hei\u00dfe", "m'appelle", "llamo", "nombre"),
        _low_name,
        lower=True,
    ),
    Rule(
        "name.i_am",
        _PERSON,
        _I_AM,
        CONTEXT,
        ("i am", "i'm", "is ", "it's", "ich bin", "je suis", "soy", "speaking"),
        name_length,
    ),
    Rule("name.header", _PERSON, _HEADER, CONTEXT, (":", "="), name_length),
    Rule("name.before_mail", _PERSON, _BEFORE_MAIL, CONTEXT, ("@",), name_length),
    Rule("name.related", _PERSON, _RELATED, CONTEXT, fit=name_length),
    Rule("name.described", _PERSON, _DESCRIBED, CONTEXT, fit=name_length),
    Rule("name.list", _PERSON, _LIST_NAMES, CONTEXT, (":",)),
)
