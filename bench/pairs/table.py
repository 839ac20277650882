#!/usr/bin/env python3
"""Tables of what bench/pairs/run.sh measured: table.py FOLDER"""
import glob
import json
import os
import statistics
import sys

# Student's t for 95 %, by degrees of freedom
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def spread(values):
    if len(values) < 2:
        return ''
    return f' +-{T95.get(len(values) - 1, 2) * statistics.stdev(values) / len(values) ** 0.5:.2f}'


def lengths(runs, key, turn=lambda x: x):
    """Mean over runs of a value by length of the source; the interval is that of the first run's sources."""
    for i, bin in enumerate(runs[0]['translations']['by_source_length']):
        values = [turn(r['translations']['by_source_length'][i][key][0]) for r in runs
                  if i < len(r['translations']['by_source_length'])]
        low, high = sorted(turn(x) for x in bin[key][1:])
        yield f"{bin['from']}-{bin['to']}", f'{statistics.mean(values):.1f} [{low:.1f}, {high:.1f}]'


def by_length(title, table):
    print(f'\n{title}, by source tokens; [95 % interval over the sources of the first run]')
    for name, cells in table.items():
        print(f'  {name}')
        for where, what in cells:
            print(f'    {where:>7}  {what}')


def wrong(x):
    return 100 * (1 - x)


def pronunciations(folder):
    table = {}
    for form in 'attention', 'bottleneck', 'transformer':
        paths = sorted(glob.glob(os.path.join(folder, f'g2p-{form}-*.eval.json')))
        runs = [r for r in map(read, paths) if r and 'translations' in r]
        if not runs:
            continue
        if not table:
            print('cmudict: words to phonemes, test words, beam 5; +- 95 % over seeds\n'
                  f"{'':14} {'seeds':>5}  {'WER %':>16}  {'PER %':>14}  {'nats a phoneme':>16}  spec")
        wer = [wrong(r['translations']['exact']) for r in runs]
        per = [100 * r['translations']['word_errors'] for r in runs]
        loss = [r['loss'] for r in runs]
        print(f'{form:14} {len(runs):5}  {statistics.mean(wer):8.2f}{spread(wer):>8}  {statistics.mean(per):7.2f}'
              f"{spread(per):>7}  {statistics.mean(loss):9.4f}{spread(loss):>7}  {runs[0]['spec']}")
        table[form] = lengths(runs, 'exact', wrong)
    if table:
        by_length('Wrong words, %', table)


def translations(folder):
    table = {}
    for form, published in ('lstm', '13.8'), ('gru', '28.3'), ('transformer', '36.5'):
        run = read(os.path.join(folder, f'm30k-{form}.eval.json'))
        train = read(os.path.join(folder, f'm30k-{form}.train.json'))
        if not run or not train:
            continue
        if not table:
            print(f"\nMulti30k German to English, test 2016, lower case, beam 5\n{'':12} {'BLEU':>6} {'published':>9} "
                  f"{'perplexity':>10} {'parameters':>11} {'steps':>6} {'hours':>6}  spec")
        print(f"{form:12} {run['translations']['bleu']:6.2f} {published:>9} {run['perplexity']:10.2f} "
              f"{train['parameters']:11,} {train['steps']:6} {train['seconds'] / 3600:6.2f}  {run['spec']}")
        table[form] = lengths([run], 'bleu')
    if table:
        by_length('BLEU', table)


def fits(folder):
    table = {}
    for width in 64, 128, 256, 512:
        run = read(os.path.join(folder, f'fit-{width}.eval.json'))
        if run and 'translations' in run:
            table[f'seq2seq:lstm:1x{width}, {100 * run["translations"]["exact"]:.1f} % right in all'] = \
                lengths([run], 'exact', lambda x: 100 * x)
    if table:
        by_length('\nReversed through the final state alone: right, %', table)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pronunciations(sys.argv[1])
    translations(sys.argv[1])
    fits(sys.argv[1])
