"""Keys and tokens whose shape alone says what they are: one line for each format of a provider.

The shapes are what the providers document or print. A value needs a digit, so that an identifier or
a style class with the same beginning (`sk-folding-cube-spinner`) is no key.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from islandrun.privacy.detect.rule import FORMAT, LONG_WORD, Rule, accept_if
from islandrun.vocabulary import FindingType

CASE_CHANGES_MIN: Final = 10
CAPITAL_PAIRS_MIN: Final = 3
"""Words joined by their capitals have no two capitals in a row."""
_BEFORE = r"(?<![A-Za-z0-9])"
_W = r"[A-Za-z0-9_-]"
_A = r"[A-Za-z0-9]"
_H = r"[0-9a-f]"
_END = r"(?![A-Za-z0-9_-])"

# name, pattern, words of which one must occur (lower case)
_MODELS: Final = (
    ("openai", rf"sk-(?:proj-|svcacct-|admin-|None-)?{_W}{{20,200}}", ("sk-",)),
    ("anthropic", rf"sk-ant-{_W}{{16,200}}", ("sk-ant-",)),
    ("openrouter", rf"sk-or-(?:v1-)?{_W}{{20,100}}", ("sk-or-",)),
    ("huggingface", rf"hf_{_A}{{20,60}}|api_org_{_A}{{30,40}}", ("hf_", "api_org_")),
    ("groq", rf"gsk_{_A}{{20,80}}", ("gsk_",)),
    ("replicate", rf"r8_{_A}{{30,50}}", ("r8_",)),
    ("perplexity", rf"pplx-{_A}{{30,80}}", ("pplx-",)),
    ("xai", rf"xai-{_A}{{40,120}}", ("xai-",)),
    ("nvidia", rf"nvapi-{_W}{{30,100}}", ("nvapi-",)),
    ("fireworks", rf"fw_{_A}{{20,60}}", ("fw_",)),
    ("together", rf"tgp_v1_{_W}{{30,80}}", ("tgp_v1_",)),
    ("langsmith", rf"lsv2_(?:pt|sk)_{_H}{{32}}_{_H}{{8,16}}", ("lsv2_",)),
    ("pinecone", rf"pcsk_{_W}{{30,120}}", ("pcsk_",)),
    ("wandb", rf"wandb_v1_{_W}{{30,120}}", ("wandb_v1_",)),
    ("tavily", rf"tvly-{_W}{{20,60}}", ("tvly-",)),
    ("cerebras", rf"csk-{_A}{{30,80}}", ("csk-",)),
)
_CLOUDS: Final = (
    (
        "aws_key_id",
        rf"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{{16}}(?!{_A})",
        ("akia", "asia", "aroa", "aida", "abia", "acca"),
    ),
    (
        "aws_bedrock",
        rf"ABSK[A-Za-z0-9+/]{{80,200}}={{0,2}}|bedrock-api-key-{_W}{{20,400}}",
        ("absk", "bedrock-api-key-"),
    ),
    (
        "google",
        rf"AIza{_W}{{35}}|GOCSPX-{_W}{{20,40}}|ya29\.{_W}{{20,300}}|1//0{_W}{{30,200}}",
        ("aiza", "gocspx-", "ya29.", "1//0"),
    ),
    ("azure_client_secret", rf"[A-Za-z0-9_.~-]{{3}}[78]Q~[A-Za-z0-9_.~-]{{31,34}}{_END}", ("q~",)),
    (
        "azure_storage",
        r"AccountKey=[A-Za-z0-9+/]{40,100}={0,2}|SharedAccessKey=[A-Za-z0-9+/]{40,100}={0,2}",
        ("accountkey=", "sharedaccesskey="),
    ),
    (
        "azure_marked",
        r"(?<![+/=])[A-Za-z0-9+/]{52,76}(?:JQQJ99|AzCa|AzSe|\+ASt|ACDb|AIoT|AEhb|\+ARm)"
        r"[A-Za-z0-9+/=]{5,40}(?![A-Za-z0-9+/])",
        ("jqqj99", "azca", "azse", "+ast", "acdb", "aiot", "aehb", "+arm"),
    ),
    (
        "azure_sas",
        r"(?:s[a-z]{1,2}=[^&\s\"']{1,60}&){1,12}"
        r"sig=[A-Za-z0-9%+/=]{20,100}",
        ("sig=",),
    ),
    ("digitalocean", rf"do[opr]_v1_{_H}{{64}}", ("_v1_",)),
    ("alibaba", rf"LTAI{_A}{{16,24}}{_END}", ("ltai",)),
    ("tencent", rf"AKID{_A}{{32}}{_END}", ("akid",)),
    ("yandex", rf"AQVN{_W}{{35,40}}|y0_{_W}{{50,80}}", ("aqvn", "y0_")),
    ("ibm", rf"(?i:ibm|bluemix)[\w -]{{0,20}}[:=][ \"']{{0,3}}{_W}{{44}}{_END}", ("ibm", "bluemix")),
    ("scaleway", rf"SCW[A-Z0-9]{{17}}{_END}", ("scw",)),
    (
        "cloudflare",
        rf"v1\.0-{_H}{{24}}-{_H}{{100,200}}|cf(?:ut|at|k)_{_W}{{30,80}}",
        ("v1.0-", "cfut_", "cfat_", "cfk_"),
    ),
    ("fly", rf"fm[12][ar]?_{_W}{{20,500}}|fo1_{_W}{{40,50}}", ("fm1", "fm2", "fo1_")),
    ("heroku", rf"HRKU-{_W}{{30,80}}", ("hrku-",)),
    ("vercel", rf"vc[pkiar]_{_A}{{24,80}}", ("vcp_", "vck_", "vci_", "vca_", "vcr_")),
    ("netlify", rf"nf[pcou]_{_A}{{36,60}}", ("nfp_", "nfc_", "nfo_", "nfu_")),
    ("render", rf"rnd_{_A}{{28,40}}", ("rnd_",)),
    ("supabase", rf"sbp_(?:v0_)?{_H}{{40}}|sb_secret_{_W}{{20,60}}", ("sbp_", "sb_secret_")),
    ("planetscale", r"pscale_(?:pw|tkn|oauth)_[A-Za-z0-9_.=-]{30,70}", ("pscale_",)),
    ("databricks", rf"dapi{_H}{{32}}(?:-[0-9]{{1,2}})?|dkea{_H}{{32}}", ("dapi", "dkea")),
    ("tailscale", rf"tskey-(?:[a-z]{{3,12}}-)?{_W}{{16,80}}", ("tskey-",)),
    ("neon", rf"napi_{_A}{{40,80}}", ("napi_",)),
)
_CODE_HOSTS: Final = (
    (
        "github",
        rf"gh[opusr]_{_A}{{30,255}}|github_pat_[A-Za-z0-9_]{{22,255}}",
        ("gho_", "ghp_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    (
        "gitlab",
        r"gl(?:pat|dt|rt|rtr|cbt|ptt|soat|ft|imt|agent|ffct|wt|oas)-[A-Za-z0-9_.-]{16,90}|"
        r"GR1348941[A-Za-z0-9_-]{20}",
        (
            "glpat-",
            "gldt-",
            "glrt",
            "glcbt-",
            "glptt-",
            "glsoat-",
            "glft-",
            "glimt-",
            "glagent-",
            "glffct-",
            "glwt-",
            "gloas-",
            "gr1348941",
        ),
    ),
    ("bitbucket", rf"ATBB{_A}{{28,40}}|ATCTT3xFfG[A-Za-z0-9_=-]{{50,300}}", ("atbb", "atctt3")),
    ("atlassian", r"ATATT3xFfG[A-Za-z0-9_=-]{50,300}", ("atatt3",)),
    ("npm", rf"npm_{_A}{{36}}", ("npm_",)),
    ("pypi", rf"pypi-{_W}{{16,300}}", ("pypi-",)),
    ("rubygems", rf"rubygems_{_H}{{40,60}}", ("rubygems_",)),
    ("crates", rf"cio{_A}{{32}}{_END}", ("cio",)),
    ("nuget", rf"oy2[a-z0-9]{{43}}{_END}", ("oy2",)),
    ("clojars", rf"CLOJARS_{_H}{{60}}", ("clojars_",)),
    ("docker", rf"dckr_(?:pat|oat)_{_W}{{20,60}}", ("dckr_",)),
    ("jfrog", rf"AKCp[0-9]{_A}{{60,90}}|cmVmd{_A}{{55,70}}", ("akcp", "cmvmd")),
    ("sonar", rf"sq[aup]_{_H}{{40}}", ("squ_", "sqa_", "sqp_")),
    ("sourcegraph", rf"sgp_(?:[A-Za-z0-9]{{16}}_|local_)?{_H}{{40}}", ("sgp_",)),
    ("circleci", rf"CCIP(?:AT|RJ)_[A-Za-z0-9]{{10,30}}_{_H}{{40}}", ("ccipat_", "cciprj_")),
    ("buildkite", rf"bk(?:ua|ct|aj)_{_A}{{30,60}}", ("bkua_", "bkct_", "bkaj_")),
    ("postman", rf"PMAK-{_H}{{24}}-{_H}{{34}}|PMAT-[A-Z0-9]{{24,30}}", ("pmak-", "pmat-")),
    ("figma", rf"fig[dou][hr]?_{_W}{{30,60}}", ("figd_", "figo", "figu")),
    ("readme", r"rdme_[a-z0-9]{60,80}", ("rdme_",)),
)
_SECRET_STORES: Final = (
    ("vault", rf"hv[sbr]\.{_W}{{24,300}}", ("hvs.", "hvb.", "hvr.")),
    ("vault_old", rf"s\.{_A}{{24}}(?![A-Za-z0-9_.(-])", ("s.",)),
    ("terraform", rf"{_A}{{14}}\.atlasv1\.{_W}{{50,80}}", ("atlasv1",)),
    ("pulumi", rf"pul-{_H}{{40}}", ("pul-",)),
    ("doppler", rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{{2,35}}\.)?{_A}{{40,44}}", ("dp.",)),
    (
        "onepassword",
        r"ops_eyJ[A-Za-z0-9+/_-]{100,2000}={0,2}|"
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        ("ops_eyj", "a3-"),
    ),
    ("infisical", rf"st\.{_H}{{24}}\.{_H}{{32}}\.{_H}{{32}}", ("st.",)),
    ("age", r"AGE-SECRET-KEY-1[A-Z0-9]{40,70}", ("age-secret-key",)),
    ("bip32", r"xprv[1-9A-HJ-NP-Za-km-z]{100,112}", ("xprv",)),
)
_MESSENGERS: Final = (
    (
        "slack",
        r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,250}|xapp-[A-Za-z0-9-]{10,250}|xoxe-"
        r"[A-Za-z0-9-]{10,250}",
        ("xox", "xapp-"),
    ),
    (
        "webhook",
        r"https://(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)|"
        r"(?:[a-z]{3,6}\.)?discord(?:app)?\.com/api/webhooks|hooks\.zapier\.com/hooks/catch|"
        r"[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2|hook\.[a-z0-9.]{2,10}\.make\.com|"
        r"chat\.googleapis\.com/v1/spaces)/[A-Za-z0-9/_@?=&%.-]{18,300}",
        ("hooks.", "/api/webhooks", "webhook.office", "hook.", "chat.googleapis"),
    ),
    ("telegram", r"(?:bot)?[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", (":",)),
    (
        "discord",
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_-])",
        (".",),
    ),
    ("twilio", r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])", ("sk", "ac")),
    ("sendgrid", rf"SG\.{_W}{{16,40}}\.{_W}{{20,64}}", ("sg.",)),
    ("mailgun", rf"(?:key|pubkey)-{_H}{{32}}|{_H}{{32}}-{_H}{{8}}-{_H}{{8}}(?![0-9a-f-])", ("key-", "-")),
    ("mailchimp", rf"{_H}{{32}}-us[0-9]{{1,2}}(?![0-9a-z])", ("-us",)),
    ("brevo", rf"x(?:key|smtp)sib-{_H}{{64}}-{_A}{{16}}", ("xkeysib-", "xsmtpsib-")),
    ("resend", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,40}", ("re_",)),
    ("intercom", rf"dG9rO{_A}{{54,80}}={{0,2}}", ("dg9ro",)),
    ("facebook", rf"EAA[A-Za-z0-9]{{60,300}}|EAACEdEose0cBA{_A}{{20,200}}", ("eaa",)),
    ("twitter", r"AAAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{60,120}", ("aaaaaaaaaaaaaaaaaaaaa",)),
    ("instagram", r"IGQV[A-Za-z0-9_-]{60,300}|IGAA[A-Za-z0-9_-]{60,300}", ("igqv", "igaa")),
    (
        "linkedin",
        rf"AQ[A-Z][A-Za-z0-9_-]{{80,400}}|WPL_AP1\.{_A}{{16}}\.[A-Za-z0-9+/]{{4,8}}==",
        ("linkedin", "wpl_ap1"),
    ),
)
_BUSINESS: Final = (
    (
        "stripe",
        r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9+/=]{20,64}",
        ("_live_", "_test_", "_prod_", "whsec_"),
    ),
    ("square", rf"sq0(?:atp|csp|idp)-{_W}{{22,60}}|EAAA[lE]{_W}{{56,64}}", ("sq0", "eaaa")),
    ("paypal", rf"access_token\$(?:production|sandbox)\$[a-z0-9]{{12,20}}\${_H}{{32}}", ("access_token$",)),
    ("adyen", r"AQE[a-z][A-Za-z0-9+/]{80,200}={0,2}-[A-Za-z0-9+/=]{20,60}-\S{10,20}", ("aqe",)),
    ("flutterwave", r"FLW(?:SECK|PUBK)(?:_TEST|_LIVE)?-[a-z0-9]{12,40}(?:-X)?", ("flwseck", "flwpubk")),
    ("razorpay", rf"rzp_(?:live|test)_{_A}{{14,20}}", ("rzp_",)),
    (
        "plaid",
        rf"access-(?:sandbox|development|production)-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}",
        ("access-",),
    ),
    (
        "shopify",
        r"shp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}",
        ("shpat_", "shpca_", "shppa_", "shpss_", "shptka_"),
    ),
    ("linear", rf"lin_(?:api|oauth)_{_A}{{32,64}}", ("lin_",)),
    ("notion", rf"(?:secret_{_A}{{43}}|ntn_[A-Za-z0-9]{{40,60}}){_END}", ("secret_", "ntn_")),
    ("airtable", rf"pat{_A}{{14}}\.{_H}{{64}}", ("pat",)),
    ("airtable_old", rf"key{_A}{{14}}(?!{_A})", ("airtable",)),
    ("asana", r"[0-9]/[0-9]{13,18}(?:/[0-9]{13,18})?:[0-9a-f]{32}", (":",)),
    ("dropbox", rf"sl\.(?:u\.)?{_W}{{100,1500}}", ("sl.",)),
    ("hubspot", rf"pat-(?:na|eu|ap)[0-9]-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", ("pat-",)),
    ("typeform", r"tfp_[A-Za-z0-9_.=-]{40,70}", ("tfp_",)),
    ("contentful", rf"CFPAT-{_W}{{40,50}}", ("cfpat-",)),
    ("mapbox", rf"[ps]k\.eyJ{_W}{{30,200}}\.{_W}{{20,40}}", ("k.eyj",)),
    ("duffel", rf"duffel_(?:test|live)_{_W}{{43}}", ("duffel_",)),
    ("easypost", rf"EZ[AT]K{_A}{{54}}", ("ezak", "eztk")),
    ("shippo", rf"shippo_(?:live|test)_{_H}{{40}}", ("shippo_",)),
    ("clerk", rf"(?:ak|ck)_(?:live|test)_{_A}{{20,80}}", ("_live_", "_test_")),
    ("algolia_search", rf"(?i:algolia)[\w .-]{{0,20}}[:=][ \"']{{0,3}}{_H}{{32}}(?![0-9a-f])", ("algolia",)),
)
_WATCHERS: Final = (
    (
        "newrelic",
        rf"NRAK-[A-Z0-9]{{27}}|NRJS-{_H}{{19}}|NRII-{_W}{{32}}|NRAA-{_H}{{27}}|{_H}{{36}}NRAL|"
        rf"(?:eu01xx)?{_H}{{30,36}}FFFFNRAL",
        ("nrak-", "nrjs-", "nrii-", "nraa-", "nral"),
    ),
    (
        "sentry",
        rf"sntry[su]_[A-Za-z0-9+/=_]{{60,400}}|https://{_H}{{32}}(?::{_H}{{32}})?@[a-z0-9.-]{{4,60}}/"
        r"[0-9]{1,20}",
        ("sntry", "https://"),
    ),
    (
        "grafana",
        rf"glc_[A-Za-z0-9+/=]{{30,400}}|glsa_{_A}{{32}}_[A-Fa-f0-9]{{8}}|eyJrIjoi[A-Za-z0-9=]{{60,400}}",
        ("glc_", "glsa_", "eyjrijoi"),
    ),
    ("datadog", rf"dd(?:pat|app|api)_{_A}{{30,60}}", ("ddpat_", "ddapp_", "ddapi_")),
    ("dynatrace", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", ("dt0",)),
    (
        "pagerduty",
        rf"pd(?:us|eu)\+[A-Za-z0-9_+-]{{18,30}}|(?i:pagerduty)"
        rf"[\w .-]{{0,24}}[:=][ \"']{{0,3}}{_W}{{20}}{_END}",
        ("pdus+", "pdeu+", "pagerduty"),
    ),
    ("posthog", rf"ph[cxsra]_{_A}{{32,60}}", ("phc_", "phx_", "phs_", "phr_", "pha_")),
    ("launchdarkly", rf"(?:sdk|api|mob)-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", ("sdk-", "api-", "mob-")),
    ("elastic", r"essu_[A-Za-z0-9+/=]{30,120}", ("essu_",)),
    ("honeycomb", r"hc[abi][il][ckm]_[a-z0-9]{26,60}", ("hca", "hcb", "hci")),
    ("rollbar", rf"(?i:rollbar)[\w .-]{{0,24}}[:=][ \"']{{0,3}}{_H}{{32}}(?![0-9a-f])", ("rollbar",)),
)
# fmt: on
FORMATS: Final = (
    *_MODELS, *_CLOUDS, *_CODE_HOSTS, *_SECRET_STORES, *_MESSENGERS, *_BUSINESS, *_WATCHERS,
)  # fmt: skip
"""Every format: name, pattern, triggers."""


def _is_drawn(value: str) -> bool:
    """Say whether a value can be a key: with a digit, or letters of quickly changing case.

    One drawn key of 40 letters and digits in a thousand has no digit.
    """
    if len(set(value)) < 8 or any(map(str.isdigit, value)):
        return len(set(value)) >= 8
    pairs = [(one.isupper(), other.isupper()) for one, other in pairwise(value)]
    changes, doubled = sum(one != other for one, other in pairs), pairs.count((True, True))
    return changes >= CASE_CHANGES_MIN and doubled >= CAPITAL_PAIRS_MIN


RULES: Final = tuple(
    Rule(
        f"key.{name}",
        FindingType.SECRET,
        re.compile(f"{_BEFORE}(?:{pattern})"),
        FORMAT,
        triggers,
        accept_if(_is_drawn),
        needs=LONG_WORD,
    )
    for name, pattern, triggers in FORMATS
)
