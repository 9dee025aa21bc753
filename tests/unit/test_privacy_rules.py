"""Every rule has a text in which it finds exactly one value, and a near miss in which it finds none.

A value is marked by « and ». `{n}` stands for n mixed letters and digits, `{#n}` for n hexadecimal ones, so
that no text here looks like a real key.
"""

import re

import pytest

from islandrun.privacy.detect import TABLE
from islandrun.privacy.detect.reading import read
from islandrun.privacy.detect.rule import Rule, apply

RULES = {rule.name: rule for rule in TABLE}
MIXED = "aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0z" * 4
HEX = "a1b2c3d4e5f60718293a4b5c6d7e8f90" * 4

ROWS = {
    "secret.jwt": ("«eyJhbGci{20}.eyJzdWIi{20}.{40}»", "eyJ is base64 for a brace"),
    "secret.pem": (
        "a «-----BEGIN " + "RSA PRIVATE KEY-----\nMIIB{40}\n-----END " + "RSA PRIVATE KEY-----» b",
        "-----BEGIN " + "PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    ),
    "secret.connection": ("db «postgres://app:hush4ever@db.local:5432/x» ok", "see https://example.org/a@b"),
    "secret.putty": (
        "«PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nAAAAB3\nPrivate-MAC: {#40}»",
        "PuTTY-User-Key-File-2: x",
    ),
    "secret.bearer": ("Authorization: Bearer «{30}»", "the bearer of this letter has arrived-and-waits"),
    "secret.header": ("X-Api-Key: «{20}»", "X-Api-Key: your-key-goes-here"),
    "secret.cookie": ("Cookie: «sid={20}; theme=dark»", "Cookie: a=b; theme=dark"),
    "secret.hashed": ("bob:«$apr1$abcdefgh${22}»", "$5 and $6 are prices, $1$ is not"),
    "secret.seed_phrase": (
        "seed phrase: «able cart duck even fish gold hand idea jump kite lamp moon»",
        "seed phrase: plant it",
    ),
    "secret.seed_numbered": (
        "«1. able 2. cart 3. duck 4. even 5. fish 6. gold 7. hand 8. ice 9. jump 10. kite 11. oil 12. moon»",
        "1. able to do it 2. cart the rest away",
    ),
    "secret.aws_secret": ("aws_secret_access_key = «{40}»", "secret = short"),
    "secret.aws_session": ("«IQoJb3JpZ2luX2Vj{90}»", "IQoJb3Jp"),
    "secret.wif": (
        "«5Hw" + "gr3u458GLafKBgxtssHSPqJnYoGrSzgQsPwLFhLNYskDPyyA»",
        "5Hw" + "gr3u458GLafKBgxtssHSPqJnYoGrSzgQsPwLFhLNYskDPyyB",
    ),
    "secret.password_quoted": ('"db_password": "«hunter two»"', 'password = "required"'),
    "secret.password_bare": ("pw=«Winter12!» does not work", "password = os.environ"),
    "secret.key_quoted": ('apiKey: "«{20}»"', 'token_type = "bare-quoted-string"'),
    "secret.key_bare": ("api_token=«{20}»", "token = tokens.next_token2()"),
    "secret.setting": ("DB_PASSWORD=«swordfish»", "DB_PASSWORD=$OTHER"),
    "secret.yaml": ("password: «swordfish»\n", "password: string\n"),
    "secret.option": ("run --password «swordfish» now", "run --password $PASSWORD now"),
    "secret.curl_user": ("curl -u bob:«swordfish» x.org", "curl -u bob:$PASS x.org"),
    "secret.short_option": ("mysql -u root -p«Winter12» db", "mysql -u root -p db"),
    "secret.query": ("https://x.org/?access_token=«abcdef12»", "https://x.org/?token=%s&key=value"),
    "secret.xml": ("<password>«swordfish»</password>", "<password>string</password>"),
    "secret.pair": ('{"name": "DB_PASSWORD", "value": "«swordfish»"}', '{"name": "PORT", "value": "x"}'),
    "secret.netrc": ("machine x login bob password «swordfish»", "the login and the password of bob"),
    "secret.pgpass": ("db.example.org:5432:app:bob:«swordfish»", "10:30:45:22:10"),
    "secret.said": ("my password is «hunter2», thanks", "the password is required here"),
    "secret.beside": ("with password Winter12! today".replace("Winter12!", "«Winter12!»"),
    "password sha256 hashes"),
    "secret.told": ("the wifi password is «sunflower».", "my password is wrong."),
    "secret.login": ("login: bob / «hunter2!»", "login: bob / alice"),
    "secret.key_said": ("my api key is «a1b2c3d4e5f6»", "my api key is not here anymore"),
    "secret.pin": ("my PIN is «4821»", "GPIO pin 17, pin it"),
    "secret.code_sent": ("your verification code: «482913»", "the security code of 2024.1"),
    "secret.code_is_yours": ("«482913» is your login code", "12 is your code block"),
    "secret.random": ("FOO_ID=«{32}»", "name = aaaaaaaaaaaaaaaaaaaaaaaaaaaa, commit = {#40}"),
    "secret.hex_key": ("private key «{#64}»", "sha256 {#64}"),
    "finance.card": ("pay «4111 1111 1111 1111» now", "pay 4111 1111 1111 1112 now"),
    "finance.card_spoken": ("my card number is «1234 5678 9012 3456»", "the card has 16 digits"),
    "finance.iban": ("to «DE89 3704 0044 0532 0130 00» please", "to DE89 3704 0044 0532 0130 01 please"),
    "finance.iban_spoken": ("IBAN: «DE00 1234 5678 9012 3456 78» thanks", "the iban is a number"),
    "finance.bic": ("BIC «DEUTDEFF»", "DEUTDEFF stands alone"),
    "finance.bitcoin": ("«1BoatSLRHtKNngkdXEeobR76b53LETtpyT»", "1BoatSLRHtKNngkdXEeobR76b53LETtpyU"),
    "finance.ethereum": ("«0x{#40}»", "0x{#38}"),
    "finance.wallet": ("bitcoin wallet «4{26}»", "a wallet of leather"),
    "finance.account": ("sort code «20-00-00»", "the account was closed"),
    "finance.salary": ("a salary of «$85,000»", "a salary of some kind"),
    "identity.it_codice_fiscale": ("cf «RCCMNL83S18D969H»", "RCCMNL83S18D969X"),
    "identity.es_dni": ("«54362315K»", "54362315A"),
    "identity.es_nie": ("«X2482300W»", "X2482300A"),
    "identity.fr_nir": ("«295109912611193»", "295109912611194"),
    "identity.br_cpf": ("«390.533.447-05»", "390.533.447-06"),
    "identity.ro_cnp": ("«1630615123457»", "1630615123458"),
    "identity.be_nn": ("«85.07.30-033.28»", "85.07.30-033.29"),
    "identity.se_personnummer": ("«880320-0016»", "880320-0017"),
    "identity.fi_hetu": ("«131052-308T»", "131052-308A"),
    "identity.pl_pesel": ("«44051401359»", "44051401358"),
    "identity.no_fodselsnummer": ("«151086 95088»", "151086 95089"),
    "identity.cz_rc": ("«710319/2745»", "710319/2746"),
    "identity.bg_egn": ("«7523169263»", "7523169264"),
    "identity.ee_ik": ("«36805280109»", "36805280108"),
    "identity.tr_tckimlik": ("«17291716060»", "17291716061"),
    "identity.cn_ric": ("«360426199101010071»", "360426199101010072"),
    "identity.kr_rrn": ("«971013-9019902»", "971013-9019903"),
    "identity.mx_curp": ("«BOXW310820HNERXN09»", "BOXW310820HNERXN08"),
    "identity.ch_ahv": ("«756.9217.0769.85»", "756.9217.0769.84"),
    "identity.ie_pps": ("«6433435F»", "6433435E"),
    "identity.in_aadhaar": ("«2341 2341 2346»", "2341 2341 2347"),
    "identity.in_pan": ("«ACUPA7085R»", "JavaScript and ABCDE1234F9"),
    "identity.za_id": ("«7503305044089»", "7503305044088"),
    "identity.dk_cpr": ("«211062-5629»", "991399-5629"),
    "identity.cl_rut": ("«12.531.909-2»", "12.531.909-3"),
    "identity.ca_sin": ("«123-456-782»", "123-456-783"),
    "identity.de_idnr": ("«36 574 261 809»", "36 574 261 800"),
    "identity.us_ssn": ("ssn «123-45-6789»", "ssn 000-45-6789, part 123-45-67890"),
    "identity.gb_nino": ("«JG103759A»", "QQ123456C and BG10X"),
    "identity.sg_nric": ("«S1234567D»", "S1234567"),
    "identity.weak": ("NHS number: «943 476 5919»", "the NHS employs many"),
    "identity.ending": ("last four digits are «4242»", "last four weeks"),
    "identity.code_named": ("passport no. «C01X00T47»", "passport no. unknown"),
    "identity.code_paren": ("application (no. «36244/06»)", "application (see below)"),
    "identity.code_bare": ("order «AB-123456» arrived", "order 2024 was long"),
    "identity.ticket": ("see «INV-2024-0099»", "see INV-"),
    "identity.uuid": ("«a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90»", "a1b2c3d4-e5f6-0718"),
    "identity.date_iso": ("on «2024-03-12»", "on 2024-13-12"),
    "identity.date_numeric": ("on «12.03.1984»", "version 1.2.3.4 and 99/99/99"),
    "identity.date_words": ("on «March 12, 1984» at", "a long march to the sea"),
    "identity.born": ("DOB: «19840312»", "born in the city"),
    "contact.email": ("write «anna.kern@example.org».", "at @example and a@b"),
    "contact.phone_international": ("call «+49 30 901820» now", "add +12 to 00123"),
    "contact.phone_national": ("at «(555) 123-4567»", "scores 123-456 and 12-34"),
    "contact.phone_spoken": ("phone: «555 0123 99»", "the phone costs 300"),
    "contact.url_token": ("«https://x.org/a?access_token=abcdef12»", "https://x.org/a?page=2"),
    "contact.url_profile": ("«linkedin.com/in/anna-kern»", "linkedin is a site"),
    "contact.url_shared": ("«https://docs.google.com/document/d/{30}»", "https://docs.python.org/3/"),
    "contact.handle_spoken": ("username: «annak99» there", "username: required"),
    "contact.handle": ("ask «@»annak99 now".replace("«@»annak99", "@«annak99»"), "@dataclass and a@b.c"),
    "place.street_en": ("at «12 Main Street, Springfield, IL 62704» now", "in 12 Good Ways"),
    "place.street_en_lower": ("i live at «12 baker street»", "drive 10 miles down the road"),
    "place.street_de": ("«Musterstraße 12, 10115 Berlin»", "die Straße ist lang"),
    "place.street_fr": ("«12 rue de la Paix, 75002 Paris»", "la rue est longue"),
    "place.street_es": ("«Calle de Alcalá 45, 28014 Madrid»", "una calle larga"),
    "place.po_box": ("«P.O. Box 1234»", "a box of 12"),
    "place.city_state": ("in «Austin, TX 78701»", "in Austin, Texas"),
    "place.postcode_gb": ("near «SW1A 1AA»", "near SW1A and QQ1"),
    "place.postcode": ("zip code: «90210»", "zip the file"),
    "place.lives_at": ("Address: «Hauptplatz 4, Graz»", "Address: unknown to us"),
    "place.coordinates": ("«52.5200, 13.4050»", "1.5, 2.5"),
    "place.latitude": ("latitude: «52.5200»", "latitude matters"),
    "place.ipv4": ("from «10.1.2.3» today", "from 127.0.0.1 or version 1.2.3.4 or 999.1.2.3"),
    "place.ipv6": ("from «2001:db8::8a2e:370:7334»", "at 12:34:56 or std::vector or ::1"),
    "place.mac": ("«00:1a:2b:3c:4d:5e»", "00:1a:2b"),
    "place.path": ("see «/home/alice/tax.pdf» there", "see /usr/lib/x or /home/runner/work"),
    "name.greeting": ("Dear «Anna Kern», hello", "Dear Team, hello"),
    "name.greeting_lower": ("hi «anna», hello", "hi there, hello"),
    "name.sign_off": ("Best regards,\n«John Smith»", "Best regards,\nThanks"),
    "name.sign_off_inline": ("Regards, «John Smith»", "Best, of course, is rest"),
    "name.dash_signature": ("text\n-- \n«John Smith»\n", "text\n- item\n"),
    "name.titled": ("saw Dr. «Meyer» today", "saw Dr. today"),
    "name.titled_lower": ("saw mrs «kowalski» today", "saw mr and mrs"),
    "name.introduced": ("My name is «Anna Kern» and", "My name is not known"),
    "name.introduced_lower": ("my name is «anna kern»", "my name is not known"),
    "name.i_am": ("I am «Anna Kern» and", "I am Happy"),
    "name.header": ("From: «Anna Kern»\n", "From: there\n"),
    "name.before_mail": ("«Anna Kern» <a.kern@example.org>", "mail <a@b>"),
    "name.related": ("our client «Paul Reyes» called", "our client called"),
    "name.described": ("«Paul Reyes» was diagnosed", "nobody was diagnosed"),
    "name.list": ("Attendees: «Anna Kern, Paul Reyes and Li Wei»", "Attendees: all"),
}  # fmt: skip


def fill(text: str) -> str:
    text = re.sub(r"\{#(\d+)\}", lambda found: HEX[: int(found[1])], text)
    return re.sub(r"\{(\d+)\}", lambda found: MIXED[: int(found[1])], text)


def found_by(rule: Rule, text: str) -> list[str]:
    return [text[one.start : one.end] for one in apply((rule,), read(text))]


def test_every_rule_has_its_rows() -> None:
    assert sorted(ROWS) == sorted(name for name in RULES if not name.startswith("key."))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_rule_finds_its_value_and_leaves_the_near_miss(name: str) -> None:
    hit, miss = map(fill, ROWS[name])
    value = hit[hit.index("«") + 1 : hit.index("»")]
    assert found_by(RULES[name], hit.replace("«", "").replace("»", "")) == [value]
    assert found_by(RULES[name], miss) == []
