"""What tests of pages in Chromium share: documents in stores, the browser, and what is looked at on every page.
usage of a program that imports it: PROGRAM.py UNROLL PUT_DOCUMENT"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

UNROLL, PUT = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
failures = []
began = time.time()


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


def at(what):
    print(f"{time.time() - began:5.1f} s  {what}", flush=True)


def document(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        return json.load(f)


class Store:
    """A store in a folder of its own, with a put_document that stays at it."""

    def __init__(self, folder):
        self.folder, self.path, self.n = folder, os.path.join(folder, "runs.db"), 0
        self.process = subprocess.Popen([PUT, self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def put(self, document):
        self.n += 1
        name = os.path.join(self.folder, f"{self.n}.json")
        with open(name, "w", encoding="utf-8") as f:
            json.dump(document, f)
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def report(self, name, identity):
        out = os.path.join(self.folder, name + ".html")
        subprocess.run([UNROLL, "report", str(identity), "--store", self.path, "-o", out, "--quiet"], check=True, timeout=60)
        return "file://" + out

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


# ---- the browser ----

def start_browser(folder):
    options = Options()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--user-data-dir=" + os.path.join(folder, "profile")):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    browser.set_page_load_timeout(60)
    browser.set_script_timeout(60)
    return browser


def until(browser, script, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        if browser.execute_script("return " + script):
            return True
        time.sleep(0.1)
    return False


DRAWN = ("[...document.querySelectorAll('canvas')].every(c => Chart.getChart(c) && c.width > 50) "
         "&& document.querySelectorAll('h1').length === 1")


def open_page(browser, url, width, theme="light"):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme},
                                                                      {"name": "prefers-reduced-motion", "value": "reduce"}]})
    browser.get(url)
    check(until(browser, DRAWN), f"{url} at {width}: drawn")


def errors(browser):
    # that a canvas is read back is this test's doing
    return [e["message"] for e in browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")
            and "willReadFrequently" not in e["message"]]


def quiet(browser, where):
    said = errors(browser)
    check(said == [], f"{where}: the console says {said}")


def drawn(browser, where):
    blank = browser.execute_script(BLANK)
    check(blank == [], f"{where}: blank charts {blank}")


def requests(browser):
    """Addresses asked for since the last call, but for data: ones."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith("data:"):
                found.append(url)
    return found


NO_SCROLL = "return document.documentElement.scrollWidth <= innerWidth"

BLANK = """return [...document.querySelectorAll('figure.chart')].filter(f => {
    const c = f.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = new Set();
    for (let i = 0; i < d.length; i += 20) if (d[i + 3] > 200) seen.add((d[i] >> 4) << 8 | (d[i + 1] >> 4) << 4 | d[i + 2] >> 4);
    return seen.size < 6;
}).map(f => f.dataset.key)"""

# text that stands out too little from what is behind it (WCAG 2, AA)
FAINT = """
const one = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
one.canvas.width = one.canvas.height = 1;
const rgba = (text) => { one.clearRect(0, 0, 1, 1); one.fillStyle = text; one.fillRect(0, 0, 1, 1); return [...one.getImageData(0, 0, 1, 1).data]; };
const light = (c) => { const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
const bad = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, s = getComputedStyle(e);
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || ['SCRIPT', 'NOSCRIPT', 'STYLE'].includes(e.tagName)) continue;
    let under = e, back = [0, 0, 0, 0];
    for (; under && back[3] < 250; under = under.parentElement) back = rgba(getComputedStyle(under).backgroundColor);
    const a = light(rgba(s.color)), b = light(back[3] < 250 ? rgba('white') : back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(s.fontSize);
    if (ratio < (size >= 24 || (size >= 18.66 && s.fontWeight >= 700) ? 3 : 4.5))
        bad.add(e.className + ' ' + e.tagName + ' ' + ratio.toFixed(2) + ' ' + walker.currentNode.data.slice(0, 20));
}
return [...bad]"""

HEADINGS = """let last = 0; const bad = [];
for (const h of document.querySelectorAll('h1,h2,h3,h4')) { const n = Number(h.tagName[1]); if (n > last + 1) bad.push(h.textContent); last = n; }
return bad"""


def chart_state(browser, key):
    return browser.execute_script("""const c = Chart.getChart(document.querySelector(`figure[data-key="${arguments[0]}"] canvas`));
        return [c.scales.x.type, c.scales.y.type, c.options.scales.x.title.text, c.options.scales.y.title.text, c.scales.x.max]""", key)


def press(browser, key, group, value):
    browser.execute_script("""document.querySelector(`figure[data-key="${arguments[0]}"] [role=group][aria-label="${arguments[1]}"]
        button[data-value="${arguments[2]}"]`).click()""", key, group, value)


def served(store, *more):
    """A server of the newest document, and its address."""
    server = subprocess.Popen([UNROLL, "report", "--serve", "--store", store.path, "--quiet", *more], stdout=subprocess.PIPE, text=True)
    return server, server.stdout.readline().strip()


def run(tests, name):
    """tests(browser, folder); the exit code."""
    folder = tempfile.mkdtemp(prefix="unroll-report-")
    browser = None
    try:
        browser = start_browser(folder)
        browser.get("about:blank")
        requests(browser)
        at("browser started")
        tests(browser, folder)
    finally:
        if browser:
            browser.quit()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: {'FAILED ' + str(len(failures)) if failures else 'passed'}, {time.time() - began:.0f} s")
    return 1 if failures else 0
