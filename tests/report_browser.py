"""Drives Chromium over reports made from report_document.json and variants of it. Started by report_browser.sh."""
import os
import signal
import sys
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import (BLANK, DRAWN, FAINT, HEADINGS, NO_SCROLL, Store, at, chart_state, check, document, drawn, errors, open_page, press,
                      quiet, requests, run, served, until)

HOSTILE = "rnn</script><img src=x onerror=alert(1)>"


# ---- documents ----

def whole():
    return document("report_document.json")


def running(seconds=100.0):
    """The first two models are done, the third is at its second seed, the fourth waits."""
    d = whole()
    d.update(state="running", seconds=seconds, stage={"what": "training", "name": "transformer", "seed": 2, "share": 0.43, "eta": 123.0})
    for key in ("advice", "equal", "leads", "crossovers", "by_length", "order", "again"):
        d.pop(key)
    for c in d["contenders"]:
        c.update(rank=None, above_best=None)
    third, fourth = d["contenders"][2:]
    for c in (third, fourth):
        for key in ("loss", "loss_same", "bits_per_byte", "by_position", "memory", "prefill", "prefill_fit", "latency", "steps", "sample"):
            c.pop(key, None)
    for c, from_ in ((third, 1), (fourth, 0)):
        for k, r in enumerate(c["runs"][from_:], from_):
            r.update(state="waiting", step=0, loss=None, loss_same=None, bits_per_byte=None)
            c["curves"][k] = {"seed": r["seed"], "run": r["run"]}
    third["runs"][1].update(state="running", step=400)
    return d


def diverged():
    d = whole()
    c = d["contenders"][3]
    for key in list(c):
        if key not in ("name", "spec", "parameters", "runs", "curves", "tuning"):
            c.pop(key)
    c.update(diverged=True, why="the loss was no number at step 312 with seed 2", rank=None)
    for r in c["runs"]:
        r.update(state="diverged", loss=None)
    for curve in c["curves"]:
        curve["val_loss"] = curve["val_loss"][:6] + [curve["val_loss"][6][:4] + [None]]
    return d


def one_seed():
    d = whole()
    d["setting"]["seeds"] = [1]
    d["order"] = {"by_seed": d["order"]["by_seed"][:1], "same": True}
    for c in d["contenders"]:
        c["runs"], c["curves"] = c["runs"][:1], c["curves"][:1]
        for key in ("loss", "loss_same", "bits_per_byte"):
            c[key].update(n=1, low=None, high=None)
        if c["above_best"]:
            c["above_best"].update(low=None, high=None, p=None, p_holm=None, verdict="unsure")
    return d


def nulls():
    d = whole()
    for c in d["contenders"]:
        for key in list(c):
            if key not in ("name", "runs", "curves"):
                c[key] = None
    for key in list(d):
        if key not in ("contenders", "state"):
            d[key] = None
    return d


def of_pairs():
    """What a comparison on pairs leaves: no steps, no sequences, but translations; with hostile tokens."""
    d = whole()
    d["data"].update(scored_tokens=5000)
    d["setting"].update(context=None, position=None, prompt="")
    d.update(crossovers=[], by_length=[])
    token = "</td><script>alert(1)</script>"
    source = ["le", "chat", token, "\u00e9tait", " ", None]
    models, outputs = [], []
    for i, c in enumerate(d["contenders"]):
        c.update(spec="seq2seq:" + c["spec"], by_position=[], prefill=[], prefill_fit=None, steps=[], step_fit=None, state_fit=None, sample="")
        attends = i % 2 == 1
        part = lambda x: {"value": x, "low": 0.8 * x, "high": 1.1 * x}
        models.append({"name": c["name"], "attends": attends, "sentences_per_second": 1234.5 + i,
                       "runs": [{"seed": s, "exact": 0.5, "bleu": 40, "token_errors": 0.2, "word_errors": 0.3, "cut": 1} for s in (1, 2, 3)],
                       "sentence": {"samples": 64, "p50_us": 900.0 + i, "p99_us": 2100.0, "source_tokens": 9, "target_tokens": 8,
                                    "remembered_bytes": 4096 * i, "state_bytes": 2048},
                       **{k: {"n": 3, "mean": m, "low": 0.9 * m, "high": 1.1 * m} for k, m in
                          (("exact", 0.5), ("bleu", 40 + i), ("token_errors", 0.2), ("word_errors", 0.3), ("cut", 0.01))},
                       "by_source_length": [{"from": 3 * b + 1, "to": 3 * b + 3, "n": 40, "exact": part(0.8 - 0.15 * b), "bleu": part(60 - 9 * b),
                                             "token_errors": part(0.05 + (0.02 if attends else 0.12) * b), "word_errors": part(0.1 + 0.1 * b)}
                                            for b in range(5)]})
        rows = [[round(0.7 if k == r else 0.06, 3) for k in range(len(source))] for r in range(3)]
        outputs.append({"name": c["name"], "text": "the " + token, "ended": i != 0, "tokens": ["the", token, None], "weights": rows if attends else None})
    d["pairs"] = {"source_vocabulary": "word", "source_vocabulary_size": 9000, "train_pairs": 90000, "val_pairs": 5000, "test_pairs": 5000,
                  "longest": 50, "left_out": 2, "sources": 500, "beam": 1, "models": models,
                  "bottleneck": {"kind": "shows", "without": d["contenders"][0]["name"], "with": "gru", "seeds_agree": 3},
                  "shown": [{"line": 7, "source": source, "reference": "the " + token, "outputs": outputs},
                            {"line": 9, "source": ["x"] * 48 + [None], "reference": "y", "outputs": [
                                {"name": "gru", "text": "y", "ended": True, "tokens": ["y", None], "weights": [[0.02] * 49] * 2}]}]}
    return d


def pairs(browser, store):
    """The page of a comparison on pairs: chart and maps are there, tokens are text, and what pairs lack leaves no gaps."""
    url = store.report("pairs", store.put(of_pairs()))
    for width in (360, 1600):
        for theme in ("light", "dark"):
            where = f"pairs at {width} px, {theme}"
            open_page(browser, url, width, theme)
            quiet(browser, where)
            drawn(browser, where)
            check(browser.execute_script(NO_SCROLL), f"{where}: scrolls sideways")
            check(browser.execute_script(HEADINGS) == [], f"{where}: headings skip a level")
            faint = browser.execute_script(FAINT)
            check(faint == [], f"{where}: too faint: {faint}")
            ids = browser.execute_script("return [...document.querySelectorAll('main > section')].map(s => s.id)")
            check({"translations", "lengths", "shown"} <= set(ids) and not {"context", "stepping", "sequences", "samples"} & set(ids), f"{where}: sections {ids}")
            colours = browser.execute_script("""return [...document.querySelectorAll('.weights table')].map(t =>
                [...t.tBodies[0].rows[0].cells].slice(1, 3).map(c => getComputedStyle(c).backgroundColor))""")
            check(len(colours) == 3 and all(a != b for a, b in colours[:2]), f"{where}: maps {colours}")
    text = browser.execute_script("return document.body.innerText")
    check("undefined" not in text and "NaN" not in text and "[object" not in text, "pairs: undefined, NaN or an object in the text")
    check("Step" not in browser.execute_script("return document.querySelector('#models thead').innerText"), "pairs: no column of steps")
    check("</td><script>alert(1)</script>" in browser.execute_script("return document.querySelector('.weights thead').textContent"), "tokens are text")
    check(browser.execute_script("return document.querySelector('.weights tbody td').textContent").startswith("70"), "a cell says its share")
    seen = set()
    for value in ("token_errors", "exact", "word_errors", "bleu"):
        press(browser, "source-length", "Show", value)
        state = chart_state(browser, "source-length")
        lines = browser.execute_script("""return Chart.getChart(document.querySelector('figure[data-key="source-length"] canvas'))
            .data.datasets.filter(s => s.kind === 'line').map(s => s.data.length)""")
        check(lines == [5] * 4, f"lines of {value}: {lines}")
        seen.add(state[3])
    check(len(seen) == 4, f"the switch changes what is shown: {seen}")
    quiet(browser, "pairs after use")


def widths_and_themes(browser, url):
    for width in (360, 900, 1600):
        for theme in ("light", "dark"):
            where = f"{width} px, {theme}"
            open_page(browser, url, width, theme)
            check(browser.execute_script(NO_SCROLL), f"{where}: the page scrolls sideways")
            check(browser.execute_script("""const h = document.querySelector('h1'), l = document.querySelector('.lead');
                return h.getBoundingClientRect().bottom < innerHeight && l.getBoundingClientRect().bottom < innerHeight"""),
                  f"{where}: the answer is not on the first screen")
            check(len(browser.find_elements(By.CSS_SELECTOR, "figure.chart canvas")) == 7, f"{where}: not 7 charts")
            drawn(browser, where)
            faint = browser.execute_script(FAINT)
            check(faint == [], f"{where}: too faint: {faint}")
            ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            check(("251" in ground) == (theme == "light"), f"{where}: background {ground}")
            quiet(browser, where)
    asked = requests(browser)
    check(asked and set(asked) == {url}, f"asked for more than the page: {set(asked)}")


def column(browser, label):
    """The cells of a column, top to bottom."""
    return browser.execute_script("""const t = document.querySelector('table.sortable');
        const k = [...t.tHead.rows[0].cells].findIndex(c => c.textContent.startsWith(arguments[0]));
        return [...t.tBodies[0].rows].map(r => r.cells[k].innerText.split('\\n')[0])""", label)


def sorting(browser):
    def number(text):
        return float(text.replace(",", "").replace("\u2212", "-"))

    def head(label):
        return browser.execute_script("""return [...document.querySelectorAll('table.sortable thead button')].find(b =>
            b.textContent.startsWith(arguments[0]))""", label)

    def state(label):
        return browser.execute_script("return arguments[0].parentElement.getAttribute('aria-sort')", head(label))

    check(state("Above the best") == "ascending", "the table starts sorted by what is above the best")
    for press in (lambda b: browser.execute_script("arguments[0].click()", b), lambda b: b.send_keys(Keys.ENTER),
                  lambda b: b.send_keys(Keys.SPACE)):
        for label in ("Parameters", "Training"):
            press(head(label))
            first = state(label)
            values = [number(x) for x in column(browser, label)]
            check(len(values) == 4 and values == sorted(values, reverse=first == "descending"), f"sorted by {label}, {first}: {values}")
            press(head(label))
            check(state(label) not in (None, first), f"{label}: pressed twice, the order turns round")
            values = [number(x) for x in column(browser, label)]
            check(values == sorted(values, reverse=state(label) == "descending"), f"sorted by {label}, {state(label)}: {values}")
            check(len(browser.find_elements(By.CSS_SELECTOR, "[aria-sort]")) == 1, "one column is the sorted one")


def charts(browser):
    keys = browser.execute_script("return [...document.querySelectorAll('figure.chart')].map(f => f.dataset.key)")
    for key in keys:
        for log in ("true", "false"):
            kind = "logarithmic" if log == "true" else "linear"
            press(browser, key, "x axis", log)
            check(chart_state(browser, key)[0] == kind, f"{key}: the x axis is {kind}")
            press(browser, key, "y axis", log)
            check(chart_state(browser, key)[1] == kind, f"{key}: the y axis is {kind}")
            pressed = browser.execute_script("""return [...document.querySelectorAll(`figure[data-key="${arguments[0]}"] [aria-label$=axis]
                [aria-pressed=true]`)].map(b => b.dataset.value)""", key)
            check(pressed == [log, log], f"{key}: pressed buttons say so")
        # on linear axes every point is drawn; each has its row beneath
        points, rows = browser.execute_script("""const f = document.querySelector(`figure[data-key="${arguments[0]}"]`);
            f.querySelector('summary').click();
            const d = f.querySelector('details');
            d.open = true; d.draw();
            const sets = Chart.getChart(f.querySelector('canvas')).data.datasets.filter(s => ['line', 'thin', 'point'].includes(s.kind));
            return [sets.reduce((n, s) => n + s.data.length, 0), d.querySelectorAll('tbody tr').length]""", key)
        check(points > 0 and points == rows, f"{key}: {points} points, {rows} rows")
    seen = set()
    for value in ("tokens", "seconds", "flops"):
        press(browser, "loss", "Along", value)
        state = chart_state(browser, "loss")
        seen.add((state[2], state[4]))
    check(len(seen) == 3, f"the axis selector changes the axis: {seen}")
    press(browser, "loss", "Loss", "train_loss")
    check("training loss" in chart_state(browser, "loss")[3], "training loss can be chosen")
    hidden = browser.execute_script("""const f = document.querySelector('figure[data-key=step]'); f.querySelector('.legend button').click();
        const c = Chart.getChart(f.querySelector('canvas'));
        return c.data.datasets.filter((s, i) => !c.isDatasetVisible(i)).length""")
    check(hidden == 2, f"a model can be hidden: {hidden}")
    drawn(browser, "after all that")


def hostile(browser):
    check(browser.execute_script("return document.querySelectorAll('img, iframe').length") == 0, "text became an element")
    for where in ("table.sortable", ".dots", ".legend", ".samples figcaption", ".needs"):
        check(browser.execute_script("return [...document.querySelectorAll(arguments[0])].some(e => e.textContent.includes(arguments[1]))",
                                     where, HOSTILE), f"{where}: the hostile name is shown as text")
    check(browser.execute_script("return [...document.querySelectorAll('.samples pre')].some(e => e.textContent.includes('<script>alert(2)'))"),
          "the hostile sample is shown as text")


def themes(browser):
    def ground():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    before = ground()
    button = browser.find_element(By.ID, "theme")
    button.send_keys(Keys.ENTER)
    check(ground() != before and button.get_attribute("aria-pressed") == "true", "dark by keyboard")
    check(browser.execute_script("return Chart.getChart(document.querySelector('canvas')).options.scales.x.ticks.color") == "#a7a39a", "charts turn dark too")
    button.click()
    check(ground() == before, "and light again")


def keyboard(browser):
    """Tab goes through the whole page, starting with the skip link, and comes out at the end."""
    browser.refresh()
    check(until(browser, DRAWN), "drawn anew")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    check(browser.execute_script("return document.activeElement.className") == "skip", "the skip link comes first")
    check(browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") != "none", "focus is visible")
    stops = browser.execute_script("""window.focused = new Set([document.activeElement]);
        addEventListener('focusin', e => focused.add(e.target));
        return [...document.querySelectorAll('a[href], button, summary, [tabindex="0"]')].filter(e => e.checkVisibility()).length""")
    browser.switch_to.active_element.send_keys(Keys.TAB * (stops + 3))
    seen = browser.execute_script("return focused.size")
    check(stops > 50 and seen == stops, f"tab comes by everything that can be used, and goes on: {seen} of {stops}")


def on_paper(browser, url):
    browser.execute_script("localStorage.clear()")
    open_page(browser, url, 1600, "dark")
    inside = browser.execute_script("""dispatchEvent(new Event('beforeprint'));
        const open = [...document.querySelectorAll('details[open]')].length, theme = document.documentElement.dataset.theme;
        dispatchEvent(new Event('afterprint'));
        return [open, theme, document.querySelectorAll('details[open]').length, document.documentElement.dataset.theme]""")
    check(inside == [6, "light", 0, "dark"], f"paper is light with the short tables open, and the screen as before: {inside}")
    # a sheet of A4 less its margins
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 688, "height": 970, "deviceScaleFactor": 1, "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    check(until(browser, "document.documentElement.scrollWidth <= 688", 3), "paper is wide enough: "
          + str(browser.execute_script("return document.documentElement.scrollWidth")))
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    sheet = browser.execute_cdp_cmd("Page.printToPDF", {})
    check(len(sheet["data"]) > 50000, "it prints")


def variants(browser, store):
    for name, document, says in (("running", running(), "Comparing 4 models"), ("diverged", diverged(), "Use gru"), ("one-seed", one_seed(), "Use gru"),
                                 ("empty", {"schema": 1, "state": "running"}, "Comparing 0 models"), ("done-empty", {"state": "done"}, "without"),
                                 ("nulls", nulls(), "without")):
        url = store.report(name, store.put(document))
        for width in (360, 1600) if name == "running" else (360,):
            open_page(browser, url, width)
            quiet(browser, f"{name} at {width}")
            check(browser.execute_script(NO_SCROLL), f"{name} at {width}: scrolls sideways")
            drawn(browser, f"{name} at {width}")
            check(browser.execute_script(HEADINGS) == [], f"{name}: headings {browser.execute_script(HEADINGS)}")
            text = browser.execute_script("return document.body.innerText")
            check(says in text, f"{name}: says '{says}'")
            check("undefined" not in text and "NaN" not in text and "[object" not in text, f"{name}: undefined, NaN or an object in the text")
        if name == "running":
            check(browser.execute_script("const p = document.querySelector('.progress progress'); return [p.value, p.max]") == [0.43, 1], "the progress bar")
            check("transformer" in text and "2 min 3 s left" in text.replace("\u00a0", " "), "the stage is named")
            check(len(browser.find_elements(By.CSS_SELECTOR, ".runs progress")) == 12, "a bar for each run")
        if name == "diverged":
            check("the loss was no number at step 312" in text, "why it diverged")
            check(browser.execute_script("return [...document.querySelectorAll('table.sortable tbody tr')].pop().className") == "out", "the diverged one is last")
        if name == "one-seed":
            check("\u00b1" not in browser.find_element(By.CSS_SELECTOR, ".figures").text, "no interval without seeds")


def live(browser, folder):
    store = Store(folder)
    store.put(running())
    server, url = served(store)
    try:
        requests(browser)
        open_page(browser, url, 1600)
        check(until(browser, "document.getElementById('live').textContent === 'Live'"), "the live page says so")
        # choices that an update must leave alone
        browser.execute_script("""[...document.querySelectorAll('table.sortable thead button')].find(b => b.textContent.startsWith('Parameters')).click();
            document.querySelector('figure[data-key=loss] summary').click();
            document.querySelector('figure[data-key=loss] [data-value=flops]').click();
            document.querySelector('figure[data-key=loss] [aria-label="y axis"] [data-value=false]').focus();
            document.querySelector('figure[data-key=loss] [aria-label="y axis"] [data-value=false]').click();
            document.querySelector('figure[data-key=loss]').scrollIntoView({behavior: 'instant'})""")
        time.sleep(0.3)
        place = "document.querySelector('figure[data-key=loss]').getBoundingClientRect().top"
        before = browser.execute_script("return " + place)
        next_ = running(150.0)
        next_["stage"]["share"] = 0.61
        next_["contenders"][2]["runs"][1].update(step=900)
        next_["contenders"][0]["train_tokens_per_second"] = 12345
        store.put(next_)
        check(until(browser, "document.querySelector('.progress progress').value === 0.61", 20), "the page follows the store")
        check(column(browser, "Training")[column(browser, "Model").index("lstm")] == "12,345", "so does the table")
        check(browser.execute_script("""const f = document.querySelector('figure[data-key=loss]');
            return f.querySelector('details').open && f.querySelectorAll('tbody tr').length > 100 && document.activeElement.dataset.value === 'false'
                && document.querySelector('[aria-sort=ascending]').textContent.startsWith('Parameters')"""), "order, open numbers and focus outlive an update")
        check(chart_state(browser, "loss")[1:3] == ["linear", "flops of training"], "so do the chart's choices")
        check(abs(browser.execute_script("return " + place) - before) < 2, "and the place on the page")
        quiet(browser, "live")
        # nothing new: answers without a body
        port = url.rsplit(":", 1)[1].strip("/")
        server.send_signal(signal.SIGINT)
        check(server.wait(timeout=20) == 0, "the server ends at an interrupt")
        check(until(browser, "document.getElementById('live').className === 'lost'", 20), "a lost connection is told")
        server, again = served(store, "--port", port)
        check(again == url, "the same port again")
        check(until(browser, "document.getElementById('live').className === 'on'", 20), "and found again")
        errors(browser)
        store.put(whole())
        check(until(browser, "document.querySelector('h1').textContent === 'Use gru'", 20), "the answer comes by itself")
        check(until(browser, "document.getElementById('live').textContent === 'Finished'"), "it says that it is finished")
        check(until(browser, DRAWN) and browser.execute_script(BLANK) == [], "charts that came later are drawn")
        asked = "performance.getEntriesByType('resource').length"
        count = browser.execute_script("return " + asked)
        time.sleep(2.6)
        check(browser.execute_script("return " + asked) == count, "it asks no more when it is done")
        quiet(browser, "live, at the end")
        check(all(u.startswith(url) for u in requests(browser)), "only its own server was asked")
    finally:
        server.kill()
        store.close()


def tests(browser, folder):
    store = Store(folder)
    url = store.report("whole", store.put(whole()))
    widths_and_themes(browser, url)
    at("widths_and_themes")
    open_page(browser, url, 1600)
    check(browser.execute_script(HEADINGS) == [], "headings skip a level")
    check(browser.execute_script("return getComputedStyle(document.documentElement).scrollBehavior") == "auto", "reduced motion is heard")
    hostile(browser)
    sorting(browser)
    themes(browser)
    keyboard(browser)
    at("keyboard")
    charts(browser)
    at("charts")
    quiet(browser, "after use")
    on_paper(browser, url)
    at("on_paper")
    variants(browser, store)
    at("variants")
    pairs(browser, store)
    at("pairs")
    store.close()
    os.mkdir(os.path.join(folder, "live"))
    live(browser, os.path.join(folder, "live"))


sys.exit(run(tests, "report_browser"))
