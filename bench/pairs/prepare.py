#!/usr/bin/env python3
"""Pairs to measure on, as TSV files in a folder.

prepare.py multi30k FOLDER OUT   FOLDER: Multi30k's task1/raw files (train, val, test_2016_flickr; .gz or not). German to
                                 English, lower case, as the published figures have it.
prepare.py cmudict FOLDER OUT    FOLDER: with cmudict.dict. Words to phonemes without stress, as grapheme-to-phoneme
                                 results are given; a word's other pronunciations are further pairs of the same source.
prepare.py made OUT              copy and reverse: random letters of 26, lengths 5 to 100, 40,000 to train on and 2,000 to
                                 test on, which no training source is.
prepare.py fit OUT               reverse, lengths 1 to 40 evenly: how many symbols fit into a state.
"""
import gzip
import os
import random
import re
import sys


def lines(folder, name):
    path = os.path.join(folder, name)
    opened = open(path, encoding='utf-8') if os.path.exists(path) else gzip.open(path + '.gz', 'rt', encoding='utf-8')
    with opened as file:
        return [' '.join(line.split()).lower() for line in file]


def write(out, name, pairs):
    with open(os.path.join(out, name), 'w', encoding='utf-8') as file:
        for source, target in pairs:
            file.write(f'{source}\t{target}\n')
    print(f'{os.path.join(out, name)}: {len(pairs)} pairs')


def multi30k(folder, out):
    for part in 'train', 'val', 'test_2016_flickr':
        write(out, f'{part}.tsv', [p for p in zip(lines(folder, part + '.de'), lines(folder, part + '.en')) if all(p)])


def cmudict(folder, out):
    pairs = []
    with open(os.path.join(folder, 'cmudict.dict'), encoding='utf-8') as file:
        for line in file:
            word, *phonemes = line.split('#')[0].split()
            word = re.sub(r'\(\d+\)$', '', word)
            if re.fullmatch(r"[a-z'.-]+", word):
                pairs.append((word, ' '.join(re.sub(r'\d', '', p) for p in phonemes)))
    write(out, 'cmudict.tsv', list(dict.fromkeys(pairs)))


def letters(rng, n):
    return ''.join(rng.choice('abcdefghijklmnopqrstuvwxyz') for _ in range(n))


def made(out, tasks, least, most, train, test):
    rng = random.Random(1)
    for name, change in tasks:
        for part, n in ('train', train), ('test', test):
            sources = [letters(rng, least + i % (most - least + 1)) for i in range(n)]
            write(out, f'{name}-{part}.tsv', [(s, change(s)) for s in sources])


if __name__ == '__main__':
    what, *rest = sys.argv[1:] or ['']
    if rest:
        os.makedirs(rest[-1], exist_ok=True)
    if what == 'multi30k' and len(rest) == 2:
        multi30k(*rest)
    elif what == 'cmudict' and len(rest) == 2:
        cmudict(*rest)
    elif what == 'made' and len(rest) == 1:
        made(rest[0], (('copy', lambda s: s), ('reverse', lambda s: s[::-1])), 5, 100, 40000, 2000)
    elif what == 'fit' and len(rest) == 1:
        made(rest[0], (('fit', lambda s: s[::-1]),), 1, 40, 40000, 4000)
    else:
        sys.exit(__doc__)
