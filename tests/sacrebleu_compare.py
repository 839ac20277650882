"""Compares PROGRAM (tests/quality_tool) with sacreBLEU: 13a tokens of generated strings, scores of generated corpora."""
import random
import subprocess
import sys

import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

program = sys.argv[1]
rng = random.Random(13)
tokenizer = Tokenizer13a()

PIECES = (list("abzAZ019 .,-'\"!?:;()[]{}<>/\\|@#$%^&*+=_~`\t") + [chr(c) for c in range(1, 33)] + [
    "\x7f", "\x85", "\xa0", "é", "ß", "—", "–", "…", "“", "”", "’", "€", "、", "。", "，", "．", "中", "文", "日本語", "한국",
    "\u1680", "\u180e", "\u2000", "\u2005", "\u200a", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060",
    "\u3000", "\ufeff", "😀", "\U0010ffff", "٣", "１", "²", "½", "&quot;", "&amp;", "&lt;", "&gt;", "&amp;lt;", "&apos;",
    "&amp", "&", "amp;", "quot;", "<skipped>", "<skip", "skipped>", "-\n", "\n", "\r\n", "--", "...", ",,", "1,000.5",
    "3.14", ".5", "5.", "1-2", "12-", "-3", "a-b", "U.S.A.", "e.g.,", "it's", "don't", "www.x-y.org/z?q=1&r=2", "  "])
PLAIN = ["the", "a", "cat", "dog", "sat", "on", "mat", "is", "1,000", "3.5", "it's", "well-known", "Straße", "中文", ",",
         ".", "!", "(x)", "U.S."]


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def ask(what, lines):
    done = subprocess.run([program, what], input="".join(line + "\n" for line in lines).encode(), check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.decode().split("\n")[:-1]


def both(theirs, ours):
    assert len(theirs) == len(ours), (len(theirs), len(ours))
    return zip(theirs, ours)


def nasty(most):
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(most)))


def compare_tokens():
    texts = ["", " ", ".", "-", "a.", ".a", "1.", ".1", "1.1", "1-1", "-1-", "a..b", "1..2", ",.,.", "1,.2"]
    texts += PIECES
    texts += [a + b for a in PIECES for b in PIECES]
    # all short texts of what the rules are about
    few = ["a", "1", ".", ",", "-", " ", "'", "é"]
    texts += ["".join(few[n // 8 ** k % 8] for k in range(5)) for n in range(8 ** 5)]
    texts += [nasty(12) for _ in range(20000)] + [nasty(80) for _ in range(3000)]
    texts = [text.replace("\0", "") for text in texts]
    wrong = 0
    for text, ours in both(texts, ask("tokens", map(escaped, texts))):
        theirs = tokenizer(text)
        if ours != theirs:
            wrong += 1
            if wrong <= 10:
                print(f"tokens of {text!r}: {ours!r}, sacreBLEU: {theirs!r}")
    print(f"{len(texts)} texts, {wrong} differ")
    return wrong


def sentence():
    if rng.random() < 0.1:
        return nasty(30)
    return " ".join(rng.choice(PLAIN) for _ in range(rng.choice((0, 1, 2, 3, 4, 5, 8, 20, 60))))


def changed(text):
    words = text.split(" ")
    for _ in range(rng.randrange(4)):
        i = rng.randrange(len(words))
        change = rng.randrange(4)
        if change == 0:
            words[i] = rng.choice(PLAIN)
        elif change == 1 and len(words) > 1:
            del words[i]
        elif change == 2:
            words.insert(i, rng.choice(PLAIN))
        else:
            words[i:] = reversed(words[i:])
    return " ".join(words) + rng.choice(("", "", " ", "\n", "\u3000", "\xa0\t"))


def compare_scores():
    wrong = 0
    corpora, lines = [], []
    for _ in range(1500):
        references = [sentence() for _ in range(rng.choice((1, 1, 2, 5, 30)))]
        hypotheses = [changed(r) if rng.random() < 0.8 else sentence() for r in references]
        corpora.append((hypotheses, references))
        for h, r in zip(hypotheses, references):
            lines += ["x" + escaped(h), "x" + escaped(r)]
        lines.append("")
    kinds = [0, 0, 0]
    for (hypotheses, references), ours in both(corpora, ask("bleu", lines)):
        theirs = sacrebleu.corpus_bleu(hypotheses, [references]).score
        kinds[0 if theirs == 0 else 2 if theirs > 99.9999 else 1] += 1
        if abs(float(ours) - theirs) > 1e-6:
            wrong += 1
            if wrong <= 10:
                print(f"BLEU of {hypotheses!r} against {references!r}: {ours}, sacreBLEU: {theirs}")
    print(f"{len(corpora)} corpora ({kinds[0]} of score 0, {kinds[2]} of 100), {wrong} differ")
    return wrong


sys.exit(1 if compare_tokens() + compare_scores() else 0)
