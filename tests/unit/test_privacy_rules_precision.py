"""What must stay as it is: ordinary lines that look a little like a value, and ordinary code."""

import argparse
import asyncio
import email
import html
import http
import importlib.util
import json
import logging
import sysconfig
import unittest
import urllib
import xml
from pathlib import Path

import pytest

from islandrun.privacy.detect import TABLE, find
from islandrun.privacy.detect.merge import merge
from islandrun.privacy.detect.reading import read
from islandrun.privacy.detect.rule import apply
from islandrun.vocabulary import FindingType

NEAR_MISSES = """
What is 1234567890 times 987654321?
The sum of 12, 345 and 6789 is 7146.
Pi is 3.14159265358979 and e is 2.718281828.
Round 0.123456, 0.654321 and 0.999999 to two places.
The accuracy rose from 0.912, 0.934 to 0.951.
Compute 2^64 = 18446744073709551616.
Is 104729 a prime number?
x = 1000000 and y = 2000000
The matrix [1.2345, 2.3456, 3.4567] is a vector.
Solve 3x + 4y = 12 for x.
ISBN 978-3-16-148410-0 is a sample.
The book (ISBN-10 0-306-40615-2) is out of print.
See doi:10.1000/182 and 10.1038/nphys1170.
See ISO 27001, ISO/IEC 9126-1 and ISO 8601.
The standard EN 60601-1-2 and DIN 5008 apply.
RFC 2119 and RFC 8446 define the words.
IEEE 754 floats and IEEE 802.11 radios differ.
PCI DSS 4.0 and HIPAA are rules.
It fits an A4 page of 210 x 297 mm.
Use port 8080, 5432 or 65535.
Listen on 127.0.0.1:8000 or 0.0.0.0:80.
Bind to localhost:3000 and ::1.
The netmask is 255.255.255.0.
Use 8.8.8.8 as a resolver.
The block 10.0.0.0/8 is private.
An example address is 192.0.2.1.
Upgrade from version 1.2.3.4 to version 2.0.0.
Python 3.11.7, Node 20.11.1 and Go 1.22.
pip install numpy==1.26.4 torch>=2.2.0
The tag v2.3.1-rc.2 was cut.
commit 3f786850e387550fdab836ed7e6dc881de23001b
See commit 89e6c98d for the fix.
Merge branch at da39a3ee5e6b4b0d3255bfef95601890afd80709.
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
The MD5 of nothing is d41d8cd98f00b204e9800998ecf8427e.
The UUID 123e4567-e89b-12d3-a456-426614174000 is an example.
Generate a UUID such as 550e8400-e29b-41d4-a716-446655440000.
The color is #ff8800 and the border #0af.
background: #1a2b3c; color: rgb(12, 34, 56);
Count 1-2-3 and go.
Dial up 1-2-3-4-5 in a song.
They won 3-1, 6-4, 7-6 and 10-2.
The final score was 21-18, 19-21, 15-12.
It ended 110:98 after overtime.
The ratio is 16:9, not 4:3.
At 12:34:56 the clock stopped.
From 9:00-17:30 we are open.
It takes 10-15 minutes at 180 degrees.
Rooms 101-110 are on floor 1.
Pages 123-145 of chapter 12.
It costs $1,299.99 or 1.099,00 EUR.
The price is 49.99 USD, 20 % off.
A salary is a regular payment.
Revenue grew from 12.5 million to 14.75 million.
The loan has an interest rate of 3.5 %.
Temperatures of -12.5 to 36.6 degrees.
The distance is 384,400 km, or 238,855 miles.
Mount Everest is 8848.86 m high.
The speed of light is 299792458 m/s.
Avogadro's number is 6.02214076e23.
The population is 83,240,525.
Water boils at 373.15 K.
Dear Sir or Madam,
Dear all, hello team,
Dear diary, today was fun.
Dear customer, how do we begin a letter?
Hello world
Hi there, can you help me?
Good morning everyone!
Hey Siri, what is the weather?
To whom it may concern
Best regards
Kind regards, the team
Thanks in advance!
Write a letter that begins with "Dear Santa".
A play written by Shakespeare.
Who wrote Hamlet?
Email John Deere support about a tractor.
A method called Monte Carlo and a film called Inception.
Drink Dr Pepper with Uncle Sam.
Explain the theory that Einstein published.
Explain what a password is.
The password is required.
Your password must have 8 characters.
Enter your password: then press return.
Is a token the same as a key?
The token is expired, so log in again.
How do I reset my password?
What makes a password strong?
password = input("Password: ")
password = getpass.getpass()
password: str = field(repr=False)
token = tokens[index]
token = next(tokens)
secret = os.environ["SECRET"]
api_key = config.get("api_key")
api_key = os.getenv("OPENAI_API_KEY")
API_KEY=your-api-key-here
export API_KEY=<your key>
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
curl -H "X-Api-Key: $KEY" https://example.org
curl -u user:$PASSWORD https://example.org
postgres://user:password@localhost/db
redis://localhost:6379/0
https://example.org/docs?page=2&sort=asc
https://docs.python.org/3/library/re.html
https://github.com/python/cpython/issues/12345
def set_password(self, password): self.password = password
if token.type == "comment": return token.value
PASSWORD_MIN_LENGTH = 12
SECRET_KEY = get_random_secret_key()
salt = secrets.token_bytes(16)
pin = machine.Pin(25, machine.Pin.OUT)
Connect GPIO pin 17 to ground.
key = lambda item: item.name
hash = hashlib.sha256(data).hexdigest()
private static final String TOKEN_TYPE = "bearer";
<input type="password" name="password" placeholder="Password">
"password": "string"
password: string;
A 24-hour clock and a 365-day year.
for i in range(1000): total += i
The quick brown fox jumps over 13 lazy dogs.
Translate "good morning" into French.
Summarise the plot of a novel in 100 words.
What is the capital of France?
How many people live in Germany?
What happened on July 4, 1776?
When did the Berlin wall fall, was it 9 November 1989?
What day of the week was 2000-01-01?
Convert 2024-03-12 to another format.
Python 3.12 was released on October 2, 2023.
The war began on 1 September 1939.
How many days are between 2024-01-01 and 2024-12-31?
The deadline of a sprint is two weeks.
In 2024 there were 366 days.
The years 1914-1918 and 1939-1945.
Order 12345 pizzas for the party.
The order of 66 elements is known.
In this case 1000 items are enough.
The case for 12 monkeys.
The file has 123456 lines.
A ticket costs 5000 yen.
The account has 50000 users.
Reference 3 in chapter 4.
The class has 30 students.
The flight takes 10 hours.
A claim of 2000 euros.
Das ist ein 1500 Euro Laptop.
Das habe ich nie 2024 gesagt.
Wie ist das Wetter am Montag?
Quel temps fait-il, et pourquoi ?
Combien font 12345 fois 6789 ?
Explica la diferencia entre ser y estar.
La pagina 12345 del libro.
Look at example.org for more.
Meet at noon at the park.
Use the @property decorator and @staticmethod.
npm install @types/node @babel/core
git clone https://github.com/example/repo.git
ssh-keygen -t ed25519
/usr/local/bin/python and /etc/hosts
C:\\Windows\\System32\\drivers\\etc\\hosts
import threading; local = threading.local()
std::vector<int> v = {1, 2, 3};
The regex \\\\d{3}-\\\\d{4} matches digits.
a0:b1 is no address
The MAC layer of a network has 48 bits.
IPv4 has 32 bits and IPv6 has 128.
The model has 7,000,000,000 parameters.
GPT-4 and Llama 3.1 70B are models.
A Boeing 747-400 and an Airbus A320-200.
The car is a BMW 320i from 2019.
Intel Core i7-13700K with 32 GB of DDR5-6000.
The H100-80GB card has 3.35 TB/s.
WD-40 and 7-Eleven are names.
Room temperature is 20-25 C.
The isotope U-235 has 143 neutrons.
CO2 and H2O are molecules; C6H12O6 is sugar.
Sure, 10/10 would do it again.
A 50/50 chance, 24/7 service.
1/2 + 3/4 = 5/4
Section 3.2.1.4 of the manual.
Figure 12.3 and table 4-5.
Windows 10 22H2 and macOS 14.3.1.
Chrome/120.0.0.0 Safari/537.36
HTTP 404, 500 and 503 are errors.
Error code 0x80070057 in hexadecimal.
0xDEADBEEF and 0b101010 are numbers.
Lorem ipsum dolor sit amet 12345.
The Fibonacci numbers are 0 1 1 2 3 5 8 13 21 34 55.
Powers of two: 1 2 4 8 16 32 64 128 256 512 1024.
Bring 2 eggs, 250 g of flour and 125 ml of milk.
Buy 10 get 1 free, code word not needed.
SELECT id, name FROM users WHERE age > 30 LIMIT 100;
CREATE TABLE t (id INT, password VARCHAR(255));
{"id": 1, "status": "ok", "count": 12345}
<div class="sk-folding-cube-loading-spinner-big"></div>
The SARS-CoV-2 genome has 29903 bases.
rs1234567 is a genetic variant.
NCT01234567 is no number of mine, and PMID is one of papers.
EUR/USD fell from 1.0845 to 1.0792.
The S&P 500 closed at 4,783.45.
The coordinates of a point are x and y.
latitude and longitude are angles
Drive 10 miles down the road.
The road is long and the street is wide.
zip the file and post it
The postcode lottery is a phrase.
cvv is the code on a card
A card has 16 digits, such as 1234 5678 9012 3456.
An IBAN begins with two letters such as DE.
A bitcoin address begins with 1, 3 or bc1.
"""
LINES = [line for line in NEAR_MISSES.splitlines() if line]
SECRET_RULES = tuple(rule for rule in TABLE if rule.type is FindingType.SECRET)
FALSE_ALARMS_PER_10000_LINES = 1
SCRIPTS_LINES_MIN = 10_000


@pytest.mark.parametrize("line", LINES)
def test_an_ordinary_line_is_not_touched(line: str) -> None:
    assert [(one.source, line[one.start : one.end]) for one in find(line)] == []


def test_there_are_enough_lines() -> None:
    assert len(LINES) == len(set(LINES)) >= 150


def lines_and_alarms(paths: list[Path]) -> tuple[int, list[str]]:
    """Return how many lines there are, and where a secret was found: file, line and rule."""
    lines, alarms = 0, []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        lines += text.count("\n")
        found = merge(apply(SECRET_RULES, read(text)))
        alarms += [f"{path.name}:{text.count(chr(10), 0, one.start) + 1} {one.source}" for one in found]
    return lines, alarms


def test_ordinary_python_raises_no_false_alarm() -> None:
    packages = (asyncio, email, html, http, json, logging, unittest, urllib, xml)
    paths = [path for one in packages for path in sorted(Path(str(one.__file__)).parent.rglob("*.py"))]
    paths += [Path(str(argparse.__file__))]
    lines, alarms = lines_and_alarms(paths)
    assert lines >= SCRIPTS_LINES_MIN
    assert len(alarms) * 10_000 <= lines * FALSE_ALARMS_PER_10000_LINES, alarms


def test_other_ordinary_code_raises_no_false_alarm() -> None:
    numpy, installed = (
        Path(str(importlib.util.find_spec("numpy").origin)).parent,
        sysconfig.get_path("purelib"),
    )
    paths = [
        *numpy.rglob("*.h"),
        *numpy.glob("*.pyi"),
        *numpy.glob("_core/*.pyi"),
        *Path(installed).rglob("*.js"),
    ]
    lines, alarms = lines_and_alarms(sorted(paths))
    assert lines >= SCRIPTS_LINES_MIN
    assert len(alarms) * 10_000 <= lines * FALSE_ALARMS_PER_10000_LINES, alarms
