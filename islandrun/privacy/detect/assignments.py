"""Passwords and keys by the name before them: in code, settings, headers, on a command line, in prose.

A password is short and may be a word, so the name must be plain (`password`, "mot de passe"); a key is
long and drawn, so its name may be vague. `drawn` judges the values.
"""

from __future__ import annotations

import re
from typing import Final

from islandrun.privacy.detect import drawn
from islandrun.privacy.detect.rule import CONTEXT, DIGIT, Rule, accept_if
from islandrun.vocabulary import FindingType

_NAMES: Final = (
    r"(?:password|passwort|passwd|passphrase|passcode|kennwort|wachtwoord|contrase\u00f1a|contrasena|"
    r"mot[ _]de[ _]passe|motdepasse|l\u00f6senord|adgangskode|has\u0142o|(?<![a-z])(?:pass|pwd|pw|psw|mdp|"
    r"senha|clave|parola|"
    r"secret|userpwd|dbpass)|(?<=_)(?:pass|pwd|pw)|client[_ -]?secret|app[_ -]?secret|"
    r"secret[_ -]?key[_ -]?base)"
)
_PASSWORD_TRIGGERS: Final = (
    "pass", "kennwort", "wachtwoord", "contrase", "l\u00f6senord", "adgangskode", "has\u0142o", "pwd",
    "pw", "psw",
    "mdp", "senha", "clave", "parola", "secret",
)  # fmt: skip
_KEY: Final = (
    r"(?:secret|token|api[ _-]?key|apikey|api[ _-]?secret|access[ _-]?key|auth[ _-]?key|private[ _-]?key|"
    r"secret[ _-]?key|"
    r"client[ _-]?(?:secret|key)|account[ _-]?key|encryption[ _-]?key|signing[ _-]?key|master[ _-]?key|"
    r"licen[cs]e[ _-]?key|subscription[ _-]?key|shared[ _-]?key|app(?:lication)?[ _-]?key|"
    r"consumer[ _-]?key|storage[ _-]?key|service[ _-]?key|integration[ _-]?key|session[ _-]?(?:id|key)|"
    r"sessid|connect\.sid|"
    r"credentials?|(?<![a-z])(?:salt|otp|jwt|sid|pat|auth|authorization|zugriffsschl\u00fcssel|"
    r"lizenzschl\u00fcssel)|"
    r"client-key-data|recovery[ _-]?(?:code|key)|backup[ _-]?code|webhook[ _-]?secret|routing[_-]key)"
)
_KEY_TRIGGERS: Final = (
    "secret", "token", "key", "session", "sessid", "connect.sid", "credential", "salt", "otp", "jwt",
    "sid", "pat",
    "auth", "schl\u00fcssel", "recovery", "backup",
)  # fmt: skip
_SUFFIX = (
    r"(?:[_-]?(?:[0-9]{1,2}|value|text|plain|string|prod|production|dev|staging|test|live|new|old|root|"
    r"admin|key|hash))?"
)
_TYPED = r"(?::[ ]?&?[a-z][a-z0-9_\[\]|?. ]{1,30}?(?=[ ]?=))?"
_OPERATOR = r"[\"'\])]{0,3}[ \t]{0,8}" + _TYPED + r"[ \t]{0,3}(?::=|=>|={1,3}|:(?!:))[ \t]{0,8}"
_CALLED = rf"(?:{_OPERATOR}(?:[bruf@]{{1,2}}(?=[\"']))?|[ ]?\([ ]?)"
_QUOTED = r"(?:\\?(?P<quote>[\"']))(?P<value>[^\"'\n\\]{3,300})\\?(?P=quote)"
_BARE = r"(?P<value>[^\s\"'<>,;]{4,300})"

_PASSWORD_QUOTED: Final = re.compile(rf"{_NAMES}{_SUFFIX}{_CALLED}{_QUOTED}")
_PASSWORD_BARE: Final = re.compile(rf"{_NAMES}{_SUFFIX}{_OPERATOR}{_BARE}")
_KEY_QUOTED: Final = re.compile(rf"{_KEY}{_SUFFIX}{_CALLED}{_QUOTED}")
_KEY_BARE: Final = re.compile(rf"{_KEY}{_SUFFIX}{_OPERATOR}(?:(?:bearer|basic|token|apikey) )?{_BARE}")
_SETTING: Final = re.compile(
    r"^[ \t]{0,8}(?:(?:export|set|setx|env|arg|run|-e|-)[ ]{1,3}|\$env:)?[\"']?[A-Z][A-Z0-9_]{0,40}?"
    r"(?:PASSWORD|PASSWORT|PASSWD|PASSPHRASE|PASS|PWD|PW|SECRET)(?:_[A-Z0-9]{1,12})"
    r"?=[\"']?(?P<value>[^\s\"']{4,200})[\"']?[ \t]{0,8}$",
    re.MULTILINE,
)
_YAML: Final = re.compile(
    r"^[ \t-]{0,40}[\w.-]{0,30}?(?:password|passwort|passwd|passphrase|kennwort|wachtwoord|contrase\u00f1a|"
    r"mot de passe|mdp|senha|pwd|pw|"
    r"clave)[ \t]{0,3}(?::[ \t]{1,4}|=[ \t]{0,3})(?P<value>[^\s\"'#]{4,100})[ \t]{0,8}(?:#[^\n]{0,200})?$",
    re.MULTILINE,
)
_OPTION: Final = re.compile(
    r"(?<![\w-])--?(?:password|passwd|pass|passphrase|pw|token|auth-token|access-token|api-key|apikey|secret|"
    r"client-secret|storepass|keypass)[ =][\"']?(?P<value>[^\s\"']{4,300})"
)
_CURL_USER: Final = re.compile(
    r"(?:curl|wget|http|https)\b[^\n]{0,300}?[ ](?:-u|--user|--proxy-user|-a|--auth)[ =]?[\"']?"
    r"[^\s:\"']{1,80}:(?P<value>[^\s\"']{3,200})"
)
_SHORT_OPTION: Final = re.compile(
    r"(?:sshpass|mysql|mysqldump|mysqladmin|mongo|mongosh|mongodump|docker login|podman login|redis-cli|"
    r"ldapsearch|"
    r"smbclient|7z|zip|unzip|plink|pscp|sqlcmd|az login|psexec|net use)\b[^\n]{0,300}?[ ]-(?:p|a|w|P|pw)"
    r"(?:[ ]|(?=[^\s-]))"
    r"[\"']?(?P<value>[^\s\"'-][^\s\"']{3,100})"
)
_QUERY: Final = re.compile(
    r"[?&#;](?:access_token|refresh_token|id_token|auth_token|api_?key|token|key|sig|signature|password|"
    r"passwd|pwd|client_secret|"
    r"secret|session_?(?:id|key)?|sid|jwt)=(?P<value>[^\s&\"'<>#;]{6,2000})"
)
_XML: Final = re.compile(
    r"<(?:[a-z0-9_.:-]{0,30})(?:password|passwd|passwort|secret|token|apikey|api-key|api_key|privatekey|"
    r"accesskey)(?: [^<>]{0,100})?>"
    r"\s{0,9}(?P<value>[^<>\s][^<>\n]{2,300}?)\s{0,9}</"
)
_PAIR: Final = re.compile(
    r"(?:name|key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?[a-z0-9_.:-]{0,40}(?:password|passwd|secret|token|"
    r"api_?-?key|access_?key|"
    r"private_?key|pwd)"
    r"[a-z0-9_]{0,8}[\"']?[,\s]{1,20}[\"']?value[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\s\"'<>,]{4,300})"
)
_NETRC: Final = re.compile(r"login\s{1,4}\S{1,80}\s{1,9}password\s{1,4}(?P<value>\S{3,200})")
_PGPASS: Final = re.compile(
    r"^(?:[\w.-]{1,80}|\*):(?:[0-9]{2,5}|\*):(?:[\w-]{1,60}|\*):[\w.@-]{1,60}:(?P<value>[^\s:/]{4,100})$",
    re.MULTILINE,
)

# ---------------------------------------------------------------- in prose

_IS = (
    r"(?:'s| is| was| are| ist| war| lautet| hei\u00dft| heisst| est| es| \u00e8| \u00e9| era| to|:| =)"
    r"(?: now| still| currently| jetzt| set to| just| simply| probably| maybe)?[: ]{1,3}"
)
_FOR = r"(?:[ ](?:for|of|to|on|f\u00fcr|zu|von|vom|para|de|del|pour|du|per)[ ][\w .@/-]{1,40}?)?"
_SAID: Final = re.compile(
    rf"{_NAMES}(?:s|e|es)?{_FOR}(?:[ ]?\([^()\n]{{1,30}}\))?{_IS}(?:\n\s{{0,8}})"
    rf"?[\"'`*]{{0,2}}(?P<value>[^\s\"'`,;]{{4,64}})"
)
_BESIDE: Final = re.compile(
    r"(?:password|passwort|kennwort|passwd|contrase\u00f1a|mot de passe|(?<![a-z])(?:pw|pwd|mdp))[ ][\"'`]?"
    r"(?P<value>(?=[^\s\"'`,;]{0,40}[0-9])(?=[^\s\"'`,;]{0,40}[a-z])[^\s\"'`,;]{6,64})"
)
_TOLD: Final = re.compile(
    r"(?:(?<![a-z])(?:my|our|his|her|their|mein|unser|ihr|mon|notre|votre|mi|nuestra|tu|la mia|minha|meu)"
    r"[ ](?:[\w-]{1,15}[ ]){0,2}?"
    r"|(?:wi-?fi|wlan|router|admin|root|login|network|guest|vpn|database|server|e-?mail|account|netflix|"
    r"windows|laptop|computer|"
    r"g\u00e4ste)[ -]?|(?:the|das|le|la)[ ](?=[\w ]{0,30}(?:for|f\u00fcr|para|pour|del|du|zum)[ ]))"
    rf"(?:password|passwort|passphrase|passcode|kennwort|contrase\u00f1a|mot de passe|clave|senha|"
    rf"wachtwoord|pw){_FOR}{_IS}"
    r"[\"'`*]{0,2}(?P<value>[^\W\d_]{4,30})(?=[\"'`*]{0,2}(?:[.,;!?)\n]|$|[ ](?:and|but|und|aber|et|mais|y|"
    r"pero|-)[ ]))"
)
_LOGIN: Final = re.compile(
    r"(?:log(?:ged)? ?in(?: with| as| using)?|credentials?|creds|zugangsdaten|anmeldedaten|identifiants|"
    r"credenciales|"
    r"user(?:name)?|benutzer|account)[ ]?(?:is|are|sind|ist|:|=|with)"
    r"?[ ]{1,2}[\"'`]?[\w.@-]{2,60}[\"'`]?[ ]?(?:/|:|\||,? (?:and|und|with|mit))"
    r"[ ]?[\"'`]?(?P<value>(?=[^\s\"'`,;]{0,40}[0-9!?#$%&*])[^\s\"'`,;/:]{5,64})(?=[\s\"'`,;.]|$)"
)
_KEY_SAID: Final = re.compile(
    rf"(?:api|access|secret|private|licen[cs]e|master|auth|session|security|service|zugriffs|lizenz)"
    rf"[ _-]?(?:key|token|schl\u00fcssel){_FOR}"
    r"(?: is| was| ist| lautet| est| es|:| =)?[: ]{1,3}[\"'`*]{0,2}(?P<value>[a-z0-9+/=_.~-]{10,200})"
)
_PIN: Final = re.compile(
    r"(?<![a-z])(?:pin|puk|tan|pin[ -]?(?:code|number|nummer)|(?:safe|alarm|door|gate|locker|entry|unlock|"
    r"lock|t\u00fcr|lock screen)[ -]?code|"
    r"c\u00f3digo pin|code pin|code secret|clave|passcode|entsperrcode|geheimzahl)"
    rf"{_FOR}(?: is| ist| lautet| est| es| \u00e8| was|:|=)"
    rf"?[:= ]{{1,3}}[\"'`*]{{0,2}}(?P<value>[0-9]{{4,8}})(?![0-9a-z]|[.,-][0-9])"
)
_CODE_SENT: Final = re.compile(
    r"(?:(?<![a-z])otp|one[- ]time (?:code|password|passcode|pin)|(?:verification|security|2fa|mfa|login|"
    r"authentication|sms|access|sign-in|"
    r"confirmation|authenticator|auth) (?:code|pin)|best\u00e4tigungscode|sicherheitscode|"
    r"verifizierungscode|einmalcode|"
    r"code de (?:v\u00e9rification|s\u00e9curit\u00e9|confirmation|validation)|"
    r"c\u00f3digo de (?:verificaci\u00f3n|seguridad|acceso|confirmaci\u00f3n)|"
    r"codice di (?:verifica|sicurezza)|(?:your|my|ihr|dein|votre|tu|su) code)"
    r"(?: is| ist| lautet| est| es| \u00e8| was|:|=)?[:= ]{1,3}[\"'`*]{0,2}(?:[a-z]-)"
    r"?(?P<value>[0-9]{3}[ -][0-9]{3}|[0-9]{4,8})(?![0-9a-z])"
)
_CODE_IS_YOURS: Final = re.compile(
    r"(?<![\w.-])(?P<value>[0-9]{3}[ -]?[0-9]{1,5}) (?:is|ist|est|es) (?:your|ihr|dein|votre|ton|tu|su)"
    r" (?:[\w-]{1,20} ){0,4}?"
    r"(?:code|otp|pin|passcode|einmalcode|best\u00e4tigungscode|sicherheitscode|c\u00f3digo)"
)
_RANDOM: Final = re.compile(
    r"(?<![A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_.-]{1,40}[\"'\]]{0,2}\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<value>[A-Za-z0-9+/_=-]{24,200})(?![A-Za-z0-9+/_=.(-])"
)
_HEX_KEY: Final = re.compile(r"(?<![0-9a-z])(?:0x)?[0-9a-f]{64}(?![0-9a-z])")

_SECRET = FindingType.SECRET
_PIN_TRIGGERS = ("pin", "puk", "tan", "code", "c\u00f3digo", "clave", "geheimzahl", "passcode")


def _prose(name: str, pattern: re.Pattern[str], triggers: tuple[str, ...]) -> Rule:
    return Rule(f"secret.{name}", _SECRET, pattern, CONTEXT, triggers, lower=True, needs=DIGIT)


RULES: Final = (
    Rule(
        "secret.password_quoted",
        _SECRET,
        _PASSWORD_QUOTED,
        CONTEXT,
        _PASSWORD_TRIGGERS,
        drawn.password_quoted,
        lower=True,
    ),
    Rule(
        "secret.password_bare",
        _SECRET,
        _PASSWORD_BARE,
        CONTEXT,
        _PASSWORD_TRIGGERS,
        drawn.password_unquoted,
        lower=True,
    ),
    Rule(
        "secret.key_quoted",
        _SECRET,
        _KEY_QUOTED,
        CONTEXT,
        _KEY_TRIGGERS,
        drawn.key_value,
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "secret.key_bare",
        _SECRET,
        _KEY_BARE,
        CONTEXT,
        _KEY_TRIGGERS,
        drawn.key_value,
        lower=True,
        needs=DIGIT,
    ),
    Rule(
        "secret.setting", _SECRET, _SETTING, CONTEXT, ("pass", "pwd=", "pw=", "secret"), drawn.password_alone
    ),
    Rule("secret.yaml", _SECRET, _YAML, CONTEXT, _PASSWORD_TRIGGERS, drawn.password_alone, lower=True),
    Rule("secret.option", _SECRET, _OPTION, CONTEXT, ("-",), drawn.password_alone, lower=True),
    Rule("secret.curl_user", _SECRET, _CURL_USER, CONTEXT, ("curl", "wget", "http"), drawn.password_alone),
    Rule(
        "secret.short_option", _SECRET, _SHORT_OPTION, CONTEXT, (" -p", " -a", " -w"), drawn.password_unquoted
    ),
    Rule("secret.query", _SECRET, _QUERY, CONTEXT, ("=",), drawn.query_value, lower=True, needs=DIGIT),
    Rule("secret.xml", _SECRET, _XML, CONTEXT, ("</",), drawn.password_quoted, lower=True),
    Rule("secret.pair", _SECRET, _PAIR, CONTEXT, ("value",), drawn.password_alone, lower=True),
    Rule("secret.netrc", _SECRET, _NETRC, CONTEXT, ("login",), drawn.password_alone, lower=True),
    Rule("secret.pgpass", _SECRET, _PGPASS, CONTEXT, (":",), drawn.password_alone),
    Rule("secret.said", _SECRET, _SAID, CONTEXT, _PASSWORD_TRIGGERS, drawn.password_said, lower=True),
    Rule(
        "secret.beside",
        _SECRET,
        _BESIDE,
        CONTEXT,
        _PASSWORD_TRIGGERS,
        drawn.password_said,
        lower=True,
        needs=DIGIT,
    ),
    Rule("secret.told", _SECRET, _TOLD, CONTEXT, _PASSWORD_TRIGGERS, drawn.password_told, lower=True),
    Rule(
        "secret.login",
        _SECRET,
        _LOGIN,
        CONTEXT,
        ("log", "cred", "daten", "identifiants", "user", "benutzer", "account"),
        drawn.password_said,
        lower=True,
    ),
    Rule(
        "secret.key_said",
        _SECRET,
        _KEY_SAID,
        CONTEXT,
        ("key", "token", "schl\u00fcssel"),
        drawn.key_value,
        lower=True,
        needs=DIGIT,
    ),
    _prose("pin", _PIN, _PIN_TRIGGERS),
    _prose("code_sent", _CODE_SENT, ("otp", "code", "c\u00f3digo", "codice", "one-time", "one time", "pin")),
    _prose("code_is_yours", _CODE_IS_YOURS, ("code", "otp", "pin", "c\u00f3digo")),
    Rule("secret.random", _SECRET, _RANDOM, CONTEXT, ("=", ":"), accept_if(drawn.is_random_alone)),
    Rule(
        "secret.hex_key",
        _SECRET,
        _HEX_KEY,
        CONTEXT,
        context=re.compile("key|secret|seed|private|wallet"),
        lower=True,
        needs=DIGIT,
    ),
)
