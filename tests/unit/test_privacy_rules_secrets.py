"""Keys and passwords of every known kind are found in whatever stands around them, and wholly.

Values are drawn here at run time, so that no text in the tree looks like a real key. In a template
`{n}` is n mixed letters and digits, `{#n}` hexadecimal, `{^n}` capitals and digits, `{0n}` digits.
"""

import random
import re
import string

import pytest

from islandrun.privacy.detect import TABLE, find
from islandrun.privacy.detect.key_formats import FORMATS
from islandrun.vocabulary import FindingType

UUID = "{#8}-{#4}-{#4}-{#4}-{#12}"
FORMS = {
    "openai": "sk-proj-{48}", "anthropic": "sk-ant-api03-{80}", "openrouter": "sk-or-v1-{#64}",
    "huggingface": "hf_{34}", "groq": "gsk_{52}", "replicate": "r8_{37}", "perplexity": "pplx-{48}",
    "xai": "xai-{80}", "nvidia": "nvapi-{64}", "fireworks": "fw_{22}", "together": "tgp_v1_{43}",
    "langsmith": "lsv2_pt_{#32}_{#10}", "pinecone": "pcsk_{60}", "wandb": "wandb_v1_{60}",
    "tavily": "tvly-{32}", "cerebras": "csk-{48}",
    "aws_key_id": "AKIA{^16}", "aws_bedrock": "ABSK{100}==", "google": "AIza{35}",
    "azure_client_secret": "{3}8Q~{34}", "azure_storage": "AccountKey={86}==",
    "azure_marked": "{52}JQQJ99{26}", "azure_sas": "sv=2022-11-02&ss=b&srt=o&sp=rl&sig={43}%3D",
    "digitalocean": "dop_v1_{#64}", "alibaba": "LTAI{20}", "tencent": "AKID{32}", "yandex": "AQVN{36}",
    "ibm": "ibm_key = «{44}»", "scaleway": "SCW{^17}", "cloudflare": "v1.0-{#24}-{#146}", "fly": "fm2_{80}",
    "heroku": "HRKU-{60}", "vercel": "vcp_{56}", "netlify": "nfp_{40}", "render": "rnd_{32}",
    "supabase": "sbp_{#40}", "planetscale": "pscale_tkn_{43}", "databricks": "dapi{#32}",
    "tailscale": "tskey-auth-{17}-{32}", "neon": "napi_{64}",
    "github": "ghp_{36}", "gitlab": "glpat-{20}", "bitbucket": "ATBB{32}", "atlassian": "ATATT3xFfG{180}",
    "npm": "npm_{36}", "pypi": "pypi-{150}", "rubygems": "rubygems_{#48}", "crates": "cio{32}",
    "nuget": "oy2{#43}", "clojars": "CLOJARS_{#60}", "docker": "dckr_pat_{27}", "jfrog": "AKCp8{69}",
    "sonar": "squ_{#40}", "sourcegraph": "sgp_{#40}", "circleci": "CCIPAT_{22}_{#40}",
    "buildkite": "bkua_{40}", "postman": "PMAK-{#24}-{#34}", "figma": "figd_{43}", "readme": "rdme_{#70}",
    "vault": "hvs.{95}", "vault_old": "s.{24}", "terraform": "{14}.atlasv1.{67}", "pulumi": "pul-{#40}",
    "doppler": "dp.pt.{43}", "onepassword": "A3-{^6}-{^11}-{^5}-{^5}-{^5}",
    "infisical": "st.{#24}.{#32}.{#32}",
    "age": "AGE-SECRET-KEY-1{^58}", "bip32": "xprv{b107}",
    "slack": "xoxb-{012}-{012}-{24}", "webhook": "https://hooks.slack.com/services/T{^8}/B{^8}/{24}",
    "telegram": "{09}:AA{33}", "discord": "MT{24}.{6}.{38}", "twilio": "SK{#32}", "sendgrid": "SG.{22}.{43}",
    "mailgun": "key-{#32}", "mailchimp": "{#32}-us14", "brevo": "xkeysib-{#64}-{16}", "resend": "re_{8}_{24}",
    "intercom": "dG9rO{60}", "facebook": "EAAB{120}", "twitter": "AAAAAAAAAAAAAAAAAAAAAA{80}",
    "instagram": "IGQV{130}", "linkedin": "linkedin «AQV{200}»", "stripe": "sk_live_{24}",
    "square": "sq0atp-{22}",
    "paypal": "access_token$production${#16}${#32}", "adyen": "AQEy{100}-{40}-{14}",
    "flutterwave": "FLWSECK-{#32}-X", "razorpay": "rzp_live_{14}", "plaid": f"access-production-{UUID}",
    "shopify": "shpat_{#32}", "linear": "lin_api_{40}", "notion": "ntn_{46}", "airtable": "pat{14}.{#64}",
    "airtable_old": "airtable «key{14}»", "asana": "1/{016}:{#32}", "dropbox": "sl.{140}",
    "hubspot": f"pat-na1-{UUID}", "typeform": "tfp_{59}", "contentful": "CFPAT-{43}",
    "mapbox": "sk.eyJ{60}.{22}", "duffel": "duffel_live_{43}", "easypost": "EZAK{54}",
    "shippo": "shippo_live_{#40}", "clerk": "ak_live_{40}", "algolia_search": "algolia_api = «{#32}»",
    "newrelic": "NRAK-{^27}", "sentry": "sntrys_{120}", "grafana": "glc_{80}", "datadog": "ddapp_{40}",
    "dynatrace": "dt0c01.{^24}.{^64}", "pagerduty": "pdus+_0{20}", "posthog": "phc_{43}",
    "launchdarkly": f"sdk-{UUID}", "elastic": "essu_{60}", "honeycomb": "hcaik_{#58}",
    "rollbar": "rollbar = «{#32}»",
}  # fmt: skip
"""A value of each format in `key_formats`."""

SHAPES = {
    "jwt": "eyJ{30}.eyJ{60}.{43}", "google_oauth": "ya29.{90}", "google_client": "GOCSPX-{28}",
    "github_fine": "github_pat_{22}_{59}", "github_app": "ghs_{36}", "gitlab_runner": "glrt-{20}",
    "slack_app": "xapp-1-A{^10}-{013}-{#64}",
    "discord_webhook": "https://discord.com/api/webhooks/{018}/{68}",
    "stripe_webhook": "whsec_{32}", "aws_session": "IQoJb3JpZ2luX2Vj{300}==",
    "postgres": "postgres://app:{12}@db.example.org:5432/main", "mysql": "mysql://root:{12}@127.0.0.1/app",
    "mongodb": "mongodb+srv://u:{12}@cluster0.example.net/db", "redis": "redis://:{16}@cache:6379/0",
    "amqp": "amqps://svc:{14}@mq.example.org/v", "jdbc": "postgresql://app:{12}@db/main",
    "basic_url": "https://deploy:{20}@git.example.org/x.git", "crypt": "$6${12}${86}",
    "bcrypt": "$2y$10${53}",
    "htpasswd": "$apr1${8}${22}",
}  # fmt: skip
"""More values that need nothing around them."""

NAMED = {
    "aws_secret": "aws_secret_access_key = «{40}»", "password": 'password = "«{10}»"',
    "password_de": "Passwort: «{9}!»", "password_fr": "mot de passe : «{10}»",
    "password_es": "la contraseña es «{10}»", "prose_en": "my password is «{9}!» and it fails",
    "prose_pw": "pw=«Winter{02}!» does not work", "wifi": "the wifi password is «sunflower{02}».",
    "wifi_word": "the wifi password is «buttercup».", "prose_de": "mein Passwort lautet «Sommer{04}!»",
    "pin": "my PIN is «{04}»", "otp": "your verification code is «{06}»",
    "otp_first": "«{06}» is your login code",
    "otp_de": "Ihr Bestätigungscode lautet «{06}»", "env": "DB_PASSWORD=«swordfish»",
    "export": "export API_TOKEN=«{32}»", "dotenv": "SECRET_KEY='«{40}»'", "yaml": "  password: «hunter{02}»",
    "yaml_word": "db:\n  password: «swordfish»\n", "json": '{"apiKey": "«{32}»"}',
    "json_secret": '{"client_secret":"«{24}»"}',
    "xml_attr": '<server user="a" password="«{12}»"/>', "xml": "<password>«{12}»</password>",
    "xml_pair": '<add key="ApiKey" value="«{24}»"/>', "k8s": "- name: DB_PASSWORD\n  value: «{14}»",
    "kubeconfig": "    token: «{40}»", "js": "const token = '«{30}»';", "go": 'apiKey := "«{32}»"',
    "java": 'String password = "«{12}»";', "csharp": 'Password = @"«{12}»"', "php": "'password' => '«{12}»',",
    "ruby": ":secret_key => '«{24}»'", "rust": 'let secret: &str = "«{20}»";',
    "ts": "const apiKey: string = '«{28}»'",
    "call": 'client.setPassword("«{12}»")', "adonet": "Server=db;Database=x;User Id=sa;Password=«{12}»;",
    "jdbc_param": "jdbc:mysql://h/db?user=a&password=«{12}»", "option": "tool --password «{12}» run",
    "option_eq": "tool --token=«{30}»", "curl": "curl -u admin:«{14}» https://example.org",
    "mysql_p": "mysql -u root -p«{12}» app", "sshpass": "sshpass -p '«{12}»' ssh a@b",
    "netrc": "machine example.org login bob password «{12}»", "pgpass": "db.example.org:5432:app:bob:«{12}»",
    "bearer": "Authorization: Bearer «{40}»", "basic": "Authorization: Basic «{24}==»",
    "x_api_key": "X-Api-Key: «{32}»", "cookie": "Cookie: «sid={32}; theme=dark»",
    "set_cookie": "Set-Cookie: «session={40}; Path=/»",
    "heroku_old": f"HEROKU_API_KEY=«{UUID}»", "datadog_old": "DD_API_KEY=«{#32}»",
    "twilio_auth": "auth token: «{#32}»",
    "cloudflare_old": "CF_API_TOKEN=«{40}»", "fastly": "fastly api token is «{32}»",
    "snowflake": "SNOWFLAKE_PASSWORD=«{16}»",
    "cohere": "COHERE_API_KEY=«{40}»", "mistral": 'mistral_api_key="«{32}»"',
    "twitter_old": "consumer_secret = «{50}»",
    "linkedin_old": "linkedin client secret: «{16}»", "braintree": "private_key: «{#32}»",
    "license": "license key: «{^5}-{^5}-{^5}-{^5}»",
    "login": "login: bob / «{10}!»",
    "seed": "seed phrase: «able cart duck even fish gold hand idea jump kite lamp moon»",
}  # fmt: skip
"""Values that what stands before them gives away; the value is between « and »."""

AROUND = (
    "{}", "{}\n", "use {} please", "key: {}", "Here it is:\n\n{}\n\nThanks", '"{}"', "'{}',", "`{}`",
    "({})", "X={}",
    "<td>{}</td>", "- {}", "[{}]", "a;{};b", "🔑 {} 🔑",
)  # fmt: skip
MIXED = string.ascii_letters + string.digits
BASE58 = "".join(set(MIXED) - set("0OIl"))
ALPHABETS = {
    "": MIXED,
    "#": "0123456789abcdef",
    "^": string.ascii_uppercase + string.digits,
    "0": string.digits,
    "b": BASE58,
}


def drawn(template: str, dice: random.Random) -> str:
    """Fill a template; each run of characters has a letter and a digit, as nearly every real one has."""

    def run(found: re.Match[str]) -> str:
        size, alphabet = int(found[2]), ALPHABETS[found[1]]
        text = "".join(dice.choice(alphabet) for _ in range(size))
        return (
            text if found[1] == "0" or size < 3 else text[:-2] + "7c" if found[1] != "^" else text[:-2] + "7Q"
        )

    return re.sub(r"\{([#^b0]?)([0-9]+)\}", run, template)


def is_hidden(text: str, start: int, end: int) -> bool:
    return any(one.type is FindingType.SECRET and one.start <= start and end <= one.end for one in find(text))


def cases(kind: str, template: str) -> list[tuple[str, int, int]]:
    """Return five texts with the place of the secret."""
    dice, made = random.Random(kind), []
    for number in range(5):
        value = drawn(template, dice)
        around = "{}" if "«" in value else AROUND[(dice.randrange(len(AROUND)) + number) % len(AROUND)]
        if "«" not in value:
            value = around.replace("{}", f"«{value}»")
        made.append(marked(value))
    return made


def marked(text: str) -> tuple[str, int, int]:
    """Return a text without its marks, and the place that they marked."""
    return text.replace("«", "").replace("»", ""), text.index("«"), text.index("»") - 1


def test_nearly_all_of_at_least_300_secrets_of_60_kinds_are_found() -> None:
    kinds = {**FORMS, **SHAPES, **NAMED}
    missed, total = [], 0
    for kind, template in kinds.items():
        for text, start, end in cases(kind, template):
            total += 1
            if not is_hidden(text, start, end):
                missed.append((kind, text))
    print(f"{len(kinds)} kinds, {total} secrets, {len(missed)} missed: {missed}")
    assert len(kinds) >= 60
    assert total >= 300
    assert len(missed) <= total * 5 // 100, missed


@pytest.mark.parametrize("kind", sorted({**FORMS, **SHAPES}))
def test_a_format_is_found_by_itself(kind: str) -> None:
    template = {**FORMS, **SHAPES}[kind]
    value = drawn(template, random.Random(kind))
    text, start, end = marked(f"see {value} there" if "«" in value else f"see «{value}» there")
    assert is_hidden(text, start, end)


def test_every_format_has_an_example_that_its_own_rule_finds() -> None:
    rules = {rule.name: rule for rule in TABLE}
    assert sorted(FORMS) == sorted(name for name, _, _ in FORMATS)
    for kind, template in FORMS.items():
        rule, value = rules[f"key.{kind}"], drawn(template, random.Random(kind))
        value = value.replace("«", "").replace("»", "")
        assert rule.pattern.search(value), kind
        assert any(trigger in value.lower() for trigger in rule.triggers), kind


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_the_beginning_of_a_format_is_no_key(kind: str) -> None:
    (rule,) = (rule for rule in TABLE if rule.name == f"key.{kind}")
    short = re.sub(r"\{[#^b0]?[0-9]+\}", "xx", FORMS[kind])
    assert not rule.pattern.search(short)


def pem(kind: str = "", end: bool = True) -> str:
    body = "\n".join(drawn("{64}", random.Random(line)) for line in range(20))
    head = "-----BEGIN " + f"{kind}PRIVATE " + "KEY-----\n"
    return head + body + ("\n-----END " + f"{kind}PRIVATE " + "KEY-----" if end else "")


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "])
@pytest.mark.parametrize("end", [True, False])
def test_key_blocks_whole_and_cut_off(kind: str, end: bool) -> None:
    block = pem(kind, end)
    for text in (block, f"my key:\n{block}\n\nhelp me", block.replace("\n", "\\n")):
        start = text.index("-----BEGIN")
        assert is_hidden(text, start, start + len(block) - 20)


def test_a_cut_off_block_hides_the_key_and_leaves_the_words_behind_it() -> None:
    text = pem(end=False) + "\n\nwhat is wrong with this key?"
    (one,) = find(text)
    assert text[one.end :].strip() == "what is wrong with this key?"


def test_a_google_service_account() -> None:
    key = pem().replace("\n", "\\n")
    text = '{"type": "service_account", "private_key_id": "x", "private_key": "' + key + '\\n"}'
    start = text.index("-----BEGIN")
    assert is_hidden(text, start, start + len(key))


@pytest.mark.parametrize("before", ["report-", "file_", "v1.", "=", "("])
def test_a_key_is_found_behind_any_sign(before: str) -> None:
    key = "sk-" + "proj-" + "Ab3dE" * 10
    (found,) = find(f"see {before}{key}.txt")
    assert found.type is FindingType.SECRET


def test_a_drawn_key_without_a_digit_is_found_and_a_name_in_its_form_is_not() -> None:
    dice = random.Random(5)
    for _ in range(50):
        key = "sk-" + "proj-" + "".join(dice.choice(string.ascii_letters) for _ in range(40))
        assert [one.type for one in find(f"the key is {key} for now")] == [FindingType.SECRET]
    assert find("see sk-LearnPipelineClassifierExamplesOfTheTeam here") == ()
