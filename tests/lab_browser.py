"""Drives Chromium over the lab's page, made from lab_document.json and variants of it. Started by lab_browser.sh."""
import os
import sys

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import (FAINT, HEADINGS, NO_SCROLL, Store, at, chart_state, check, document, drawn, errors, open_page, press, quiet,
                      requests, run, served, until)

WORDS = {"holds": "holds", "condition": "holds under a condition", "fails": "does not hold here", "predicted": "predicted",
         "missing": "not measured"}


def whole():
    return document("lab_document.json")


def done():
    """All of it, but for what waits or runs."""
    d = whole()
    d.update(state="done", stage=None)
    d["experiments"] = [e for e in d["experiments"] if e["state"] not in ("waiting", "running")]
    return d


def objects(x):
    return [o for o in x or [] if isinstance(o, dict)]


def findings(e):
    return [f for f in objects(e["findings"]) if isinstance(f["claim"], str)]


def questions(d):
    """Those that can be asked."""
    return [q for e in d["experiments"] for q in objects(e["questions"]) if len(q["choices"]) > 1 and q["answer"] < len(q["choices"])]


def plain(text):
    """As it stands on the page: backticks make code."""
    return text.replace("`", "")


# ---- looking ----

def widths_and_themes(browser, url):
    for width in (360, 800, 1600):
        for theme in ("light", "dark"):
            where = f"{width} px, {theme}"
            open_page(browser, url, width, theme)
            check(browser.execute_script(NO_SCROLL), f"{where}: the page scrolls sideways")
            drawn(browser, where)
            faint = browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; });" + FAINT)
            check(faint == [], f"{where}: too faint: {faint}")
            check(browser.execute_script(NO_SCROLL), f"{where}: opened, the page scrolls sideways")
            check(browser.execute_script(HEADINGS) == [], f"{where}: headings skip a level")
            ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            check(("251" in ground) == (theme == "light"), f"{where}: background {ground}")
            quiet(browser, where)
    asked = requests(browser)
    check(asked and set(asked) == {url}, f"asked for more than the page: {set(asked)}")


def first_screen(browser, url, d):
    open_page(browser, url, 1600)
    bottom, top = browser.execute_script("""const t = document.querySelector('table.summary');
        return [t.getBoundingClientRect().bottom, document.querySelector('h1').getBoundingClientRect().top]""")
    check(0 < top < bottom < 900, f"the summary is on the first screen: from {top} to {bottom}")
    cells = browser.execute_script("""return [...document.querySelectorAll('table.summary tbody tr')].map(r => [...r.cells].slice(1).map(c =>
        [c.querySelector('.what').firstChild.textContent.replace(/\u00a0/g, ' '), c.querySelector('a')?.getAttribute('href'), c.querySelector('.badge')?.textContent ?? '']))""")
    want = [[[plain(c["text"]), "#" + c["experiment"], c["origin"] if c["origin"] in ("derived", "predicted") else ""] for c in r["cells"]]
            for r in d["summary"]["rows"]]
    check(cells == want, f"cells of the summary, their links and where they are from: {cells}")
    check("4 hold, 2 hold under a condition, 1 does not hold here, 1 is predicted and 2 are not measured" in
          browser.find_element(By.CSS_SELECTOR, "#front .lead").text, "verdicts are counted")
    check(d["machine"]["processor"] in browser.find_element(By.CSS_SELECTOR, ".machine").text, "the machine is named")
    check(len(browser.find_elements(By.CSS_SELECTOR, ".all .verdict")) == sum(len(findings(e)) for e in d["experiments"]), "all verdicts are listed")


def sections(browser, d):
    ids = browser.execute_script("return [...document.querySelectorAll('main > section')].map(s => s.id)")
    check(ids == ["front"] + [e["name"] for e in d["experiments"]] + ["repeat"], f"sections: {ids}")
    links = browser.execute_script("return [...document.querySelectorAll('#contents a')].map(a => a.getAttribute('href'))")
    check(links == ["#" + i for i in ids[1:]], f"contents: {links}")
    drawn_signs = set()
    for e in d["experiments"]:
        s = browser.find_element(By.ID, e["name"])
        text = browser.execute_script("return arguments[0].textContent", s)
        want = [e["title"], e["question"], e["command"], *e["lesson"], *e["how"]]
        want += [w for f in findings(e) for w in (f["claim"], f["condition"], f["words"], f["prediction"], f["rule"]) if w]
        want += [q["question"] for q in objects(e["questions"]) if q in questions(d)]
        want += [t.get("title", "") for t in objects(e["tables"])]
        text = text.replace("\u00a0", " ")
        for words in want:
            check(plain(words) in text, f"{e['name']}: no '{words}'")
        cards = browser.execute_script("""return [...arguments[0].querySelectorAll('.finding')].map(f => [f.querySelector('h3').textContent,
            f.querySelector('.verdict span').textContent, [...f.querySelectorAll('.sign path')].map(p => p.getAttribute('d')).join(),
            getComputedStyle(f.querySelector('.verdict')).color, f.querySelector('details').open])""", s)
        words = {**WORDS, "missing": "to be measured"} if e["state"] in ("waiting", "running") else WORDS
        check([c[:2] for c in cards] == [[f["claim"], words[f["verdict"]]] for f in findings(e)], f"{e['name']}: findings {cards}")
        check(not any(c[4] for c in cards), f"{e['name']}: what was decided before is folded")
        drawn_signs |= {(f["verdict"], c[2], c[3]) for c, f in zip(cards, findings(e))}
        charts = [c for c in objects(e["charts"]) if objects(c.get("lines"))]
        check(len(s.find_elements(By.CSS_SELECTOR, "figure.chart")) == len(charts), f"{e['name']}: charts")
        check(len(s.find_elements(By.CSS_SELECTOR, ".sortable tbody tr")) == sum(len(objects(t.get("rows"))) for t in objects(e["tables"])), f"{e['name']}: rows of tables")
    check(len(drawn_signs) == 5 and all(len({x[i] for x in drawn_signs}) == 5 for i in range(3)), f"each verdict has a shape and a colour of its own: {drawn_signs}")
    check("It needs 9.2 GB of memory" in browser.find_element(By.CSS_SELECTOR, "#long .notice").text, "why something is missing is said")
    check("undefined" not in browser.execute_script("return document.body.innerText"), "undefined in the text")


def hostile(browser):
    check(browser.execute_script("return document.querySelectorAll('img, iframe, main b b, main i').length") == 0, "text became an element")
    check(browser.execute_script("return [...document.querySelectorAll('#hostile *')].every(e => !e.onerror)"), "text became a handler")
    check("<b>tags</b>" in browser.execute_script("return document.querySelector('#hostile code').textContent"), "backticks make code")


def charts(browser, d):
    colours = {}
    for e in d["experiments"]:
        figures = browser.execute_script("""return [...document.querySelectorAll('#' + arguments[0] + ' figure.chart')].map(f => {
            const c = Chart.getChart(f.querySelector('canvas'));
            return [f.dataset.key, c.data.datasets.filter(s => s.kind === 'line').map(s => [s.label.trim(), s.borderColor, s.borderDash.length, s.whiskers,
                s.data.length]), c.data.datasets.filter(s => s.kind === 'band').length]; })""", e["name"])
        for (key, drawn_, bands), chart in zip(figures, [c for c in objects(e["charts"]) if objects(c.get("lines"))]):
            lines = objects(chart["lines"])
            check([x[0] for x in drawn_] == [line["name"] for line in lines], f"{key}: lines {drawn_}")
            for (name, colour, dash, whiskers, n), line in zip(drawn_, lines):
                check((dash > 0) == (line["origin"] in ("derived", "predicted")), f"{key}, {name}: dashed or not")
                if line["model"]:
                    colours.setdefault(line["model"], set()).add(colour)
                if e["name"] != "hostile":
                    check(n == len(line["points"]), f"{key}, {name}: {n} points")
            check(chart_state(browser, key)[:2] == ["logarithmic" if chart[a].get("log") else "linear" for a in "xy"], f"{key}: axes")
            check((bands > 0) == (e["name"] == "distance"), f"{key}: bands {bands}")
    check(all(len(c) == 1 for c in colours.values()) and len(set.union(*colours.values())) == len(colours), f"one colour for each model: {colours}")
    browser.execute_script("document.querySelector('#cost figure summary').click()")
    check(until(browser, "document.querySelectorAll('#cost figure tbody tr').length === 33", 5), "the numbers are under a chart")
    check("134 MB" in browser.execute_script("return document.querySelector('#cost figure tbody').textContent").replace("\u00a0", " "), "bytes are said as such")


def tables(browser):
    def names(section, heading):
        return browser.execute_script("""const t = document.querySelector('#' + arguments[0] + ' .sortable');
            if (arguments[1]) [...t.querySelectorAll('thead button')].find(b => b.textContent.startsWith(arguments[1])).click();
            return [...t.tBodies[0].rows].map(r => r.cells[0].textContent)""", section, heading)
    check(names("serial", None) == ["rnn", "gru", "lstm", "attention", "a scan of lru"], "a table begins in the document's order")
    check(names("serial", "T = 512") == ["attention", "a scan of lru", "rnn", "lstm", "gru"], "and sorts by a column")
    check(names("cost", "T") == ["512", "4,096", "100,000"] and names("cost", "T") == ["100,000", "4,096", "512"], "names that are numbers sort as such")
    check(browser.execute_script("const s = document.querySelector('#cost .sortable').parentElement; return s.scrollWidth > s.clientWidth"), "a wide table scrolls within itself")


# ---- the quiz ----

def score(browser):
    return browser.find_element(By.ID, "score").text.replace("\n", " ")


def asked(browser, i):
    """State of a question: classes of its choices, what is said, and whether the button is there."""
    return browser.execute_script("""const q = document.querySelectorAll('.question')[arguments[0]];
        return [[...q.querySelectorAll('label')].map(l => l.className), q.querySelector('.because').textContent.replace(/\u00a0/g, ' '),
            !q.querySelector('button').hidden, [...q.querySelectorAll('input')].findIndex(x => x.checked)]""", i)


def quiz(browser, url, d):
    want = questions(d)
    open_page(browser, url, 1600)
    browser.execute_script("sessionStorage.clear()")
    browser.refresh()
    check(score(browser) == f"Quiz: {len(want)} questions", f"nothing is answered yet: {score(browser)}")
    choices = browser.execute_script("""return [...document.querySelectorAll('.question')].map(q => [...q.querySelectorAll('.choice-text')]
        .map(c => c.textContent.replace(/\u00a0/g, ' ')))""")
    check(choices == [[plain(c) for c in q["choices"]] for q in want], f"choices, in the document's order: {choices}")

    def label(i, k):
        found = browser.find_elements(By.CSS_SELECTOR, ".question")[i].find_elements(By.CSS_SELECTOR, "label")[k]
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        return found

    # right, by the label
    label(0, want[0]["answer"]).find_element(By.CSS_SELECTOR, ".choice-text").click()
    state = asked(browser, 0)
    check(state == [["right", "other", "other"], "Right. " + want[0]["because"], False, 0], f"a right answer: {state}")
    check(score(browser) == f"1 of 1 right {len(want) - 1} to go Start over", f"the score: {score(browser)}")
    # wrong, by the button itself; a second answer does not count
    wrong = (want[1]["answer"] + 1) % 3
    label(1, wrong).find_element(By.CSS_SELECTOR, "input").click()
    state = asked(browser, 1)
    check(state[0][wrong] == "wrong" and state[0][want[1]["answer"]] == "right" and state[1] == "Not so. " + want[1]["because"], f"a wrong answer: {state}")
    check(score(browser).startswith("1 of 2 right"), f"the score: {score(browser)}")
    label(1, want[1]["answer"]).click()
    check(asked(browser, 1) == state and score(browser).startswith("1 of 2 right"), "the first answer counts")
    # by keyboard: arrows choose, Enter answers
    browser.find_element(By.CSS_SELECTOR, "#score .next").click()
    check(browser.execute_script("return document.activeElement.closest('.question') === document.querySelectorAll('.question')[2]"), "the score leads to the next question")
    active = browser.switch_to.active_element
    active.send_keys(Keys.SPACE)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    state = asked(browser, 2)
    check(state == [["", "", ""], "", True, 2], f"arrows choose and do not answer: {state}")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    check(asked(browser, 2)[0][want[2]["answer"]] == "right" and score(browser).startswith("2 of 3 right"), f"Enter answers: {score(browser)}")
    # the button answers too
    browser.find_element(By.CSS_SELECTOR, "#score .next").click()
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    check(score(browser).startswith("2 of 4 right"), f"the button answers: {score(browser)}")
    # it is kept while the tab is open
    browser.refresh()
    check(score(browser).startswith("2 of 4 right") and asked(browser, 1)[0][wrong] == "wrong", f"the score outlives a reload: {score(browser)}")
    for i in range(4, len(want)):
        label(i, want[i]["answer"]).click()
    check(score(browser) == f"{len(want) - 2} of {len(want)} right Start over", f"all are answered: {score(browser)}")
    quiet(browser, "the quiz")
    browser.find_element(By.CSS_SELECTOR, "#score .plain").click()
    check(score(browser) == f"Quiz: {len(want)} questions" and asked(browser, 0) == [["", "", ""], "", False, -1], "and forgotten when asked to")


def without_storage(browser, url, d):
    """A browser that keeps nothing of pages from disk: all works but the memory."""
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """for (const name of ['localStorage', 'sessionStorage'])
        Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError'); }});"""})
    open_page(browser, url, 800)
    first = browser.find_elements(By.CSS_SELECTOR, ".question")[0].find_elements(By.CSS_SELECTOR, "label")[questions(d)[0]["answer"]]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", first)
    first.click()
    check(score(browser).startswith("1 of 1 right"), f"without storage: {score(browser)}")
    browser.find_element(By.ID, "theme").click()
    quiet(browser, "without storage")
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


# ---- variants, paper, live ----

def variants(browser, store):
    nothing = {"kind": "lab"}
    nulls = whole()
    for e in nulls["experiments"]:
        e.update({key: None for key in e if key != "name"})
    nulls.update({key: None for key in nulls if key not in ("kind", "experiments")})
    for name, d, says in (("nothing", nothing, "Verdicts appear as they are found"), ("nulls", nulls, "Verdicts appear as they are found"),
                          ("done", done(), "took 2 min 26 s")):
        open_page(browser, store.report(name, store.put(d)), 360)
        quiet(browser, name)
        check(browser.execute_script(NO_SCROLL), f"{name}: scrolls sideways")
        text = browser.execute_script("return document.body.innerText").replace("\u00a0", " ")
        check(says in text, f"{name}: says '{says}'")
        check(not any(w in text for w in ("undefined", "NaN", "[object", "null")), f"{name}: {text[:2000]}")
        check(len(browser.find_elements(By.CSS_SELECTOR, "progress")) == 0, f"{name}: no progress")


def on_paper(browser, url):
    open_page(browser, url, 1600, "dark")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 688, "height": 970, "deviceScaleFactor": 1, "mobile": False})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    check(until(browser, "document.documentElement.scrollWidth <= 688", 3), "paper is wide enough: "
          + str(browser.execute_script("return document.documentElement.scrollWidth")))
    check(browser.execute_script("return [...document.querySelectorAll('.before, .how')].every(d => d.open)"), "what is folded is open on paper")
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    check(browser.execute_script("return [...document.querySelectorAll('.before, .how')].every(d => !d.open)"), "and folded again")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def live(browser, folder):
    store = Store(folder)
    store.put(whole())
    server, url = served(store)
    try:
        requests(browser)
        open_page(browser, url, 1600)
        check(until(browser, "document.getElementById('live').textContent === 'Live'"), "the live page says so")
        check(browser.execute_script("return document.querySelector('progress').value") == 0.43, "the progress bar")
        stage = browser.find_element(By.CSS_SELECTOR, ".stage").text.replace("\u00a0", " ")
        check("How far back it looks" in stage and "2 min 3 s left" in stage, f"the stage: {stage}")
        check("Running." in browser.find_element(By.CSS_SELECTOR, "#distance .notice").text, "what is measured now says so")
        browser.execute_script("sessionStorage.clear()")
        first = browser.find_elements(By.CSS_SELECTOR, ".question")[0].find_elements(By.CSS_SELECTOR, "label")[0]
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", first)
        first.click()
        # what is folded here has been opened, and an answer given: an update leaves both alone
        browser.execute_script("document.querySelector('#serial .before summary').click(); document.querySelector('#serial .how summary').click()")
        d = done()
        d["experiments"][0]["findings"][0].update(verdict="fails", words="Something else was found.")
        d["experiments"][0]["questions"][0].update(answer=1)
        store.put(d)
        check(until(browser, "document.getElementById('live').textContent === 'Finished'", 20), "it says that it is finished")
        card = browser.find_element(By.CSS_SELECTOR, "#serial .finding").text
        check("does not hold here" in card and "Something else was found." in card, f"a finding follows: {card}")
        check(browser.execute_script("return document.querySelector('#serial .before').open && document.querySelector('#serial .how').open"), "what was opened stays open")
        check(asked(browser, 0)[0] == ["wrong", "right", "other"] and score(browser).startswith("0 of 1 right"), f"an answer is judged by the newest: {score(browser)}")
        check(len(browser.find_elements(By.CSS_SELECTOR, "progress, #distance, #bottleneck")) == 0, "what is no more is gone")
        quiet(browser, "live")
        check(all(u.startswith(url) for u in requests(browser)), "only its own server was asked")
        errors(browser)
    finally:
        server.kill()
        store.close()


def tests(browser, folder):
    store, d = Store(folder), whole()
    url = store.report("whole", store.put(d))
    store.close()
    url = Store(folder).report("whole", 1)  # nobody is at it now: it is interrupted
    widths_and_themes(browser, url)
    at("widths_and_themes")
    first_screen(browser, url, d)
    sections(browser, d)
    hostile(browser)
    charts(browser, d)
    tables(browser)
    press(browser, "serial-Time-of-one-sequence-batch-1", "y axis", "false")
    quiet(browser, "after use")
    at("charts and tables")
    quiz(browser, url, d)
    without_storage(browser, url, d)
    at("quiz")
    on_paper(browser, url)
    os.mkdir(os.path.join(folder, "more"))
    more = Store(os.path.join(folder, "more"))
    variants(browser, more)
    more.close()
    os.mkdir(os.path.join(folder, "live"))
    live(browser, os.path.join(folder, "live"))


sys.exit(run(tests, "lab_browser"))
