"""What the rules of dangers.yml must find (ruleid) and must let pass (ok)."""

import asyncio
import os
import subprocess
import time
from datetime import UTC, date, datetime

# ruleid: code-from-data
import pickle

# ruleid: code-from-data
from marshal import loads

import yaml
from markupsafe import Markup


def printed(console, text):
    # ruleid: print-in-src
    print(text)
    # ok: print-in-src
    console.print(text)


def moments(clock, seconds):
    # ruleid: moment-without-zone, clock-not-injected
    datetime.now()
    # ruleid: moment-without-zone
    date.today()
    # ruleid: moment-without-zone
    datetime.utcnow()
    # ruleid: moment-without-zone
    datetime.fromtimestamp(seconds)
    # ok: moment-without-zone
    datetime.fromtimestamp(seconds, UTC)
    # ruleid: clock-not-injected
    datetime.now(UTC)
    # ruleid: clock-not-injected
    time.time()
    # ok: clock-not-injected, moment-without-zone
    clock.now()


def programs(command):
    # ruleid: shell
    subprocess.run(command, shell=True, check=False)
    # ruleid: shell
    os.system(command)
    # ruleid: shell
    asyncio.create_subprocess_shell(command)
    # ok: shell
    subprocess.run([command], check=False)


def parsed(text, file):
    # ruleid: code-from-data
    pickle.loads(text)
    # ruleid: code-from-data
    eval(text)
    # ruleid: code-from-data
    yaml.load(file)
    # ok: code-from-data
    yaml.safe_load(file)


def pages(environment, text):
    # ruleid: unescaped-html
    Markup(text)
    # ruleid: unescaped-html
    environment(loader=text, autoescape=False)
    # ok: unescaped-html
    environment(loader=text, autoescape=True)
