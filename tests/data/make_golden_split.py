#!/usr/bin/env python3
"""Writes the orders of PyTorch's samplers and the parts of scikit-learn's splits. Needs torch and scikit-learn:

    python3 make_golden_split.py sampler >golden_sampler.inc    # torch
    python3 make_golden_split.py split >golden_split.inc        # scikit-learn
"""
import sys
import textwrap


def array(name, values):
    text = ", ".join(str(int(v)) for v in values)
    line = f"static const int64_t {name}[] = {{{text}}};"
    print("\n    ".join(textwrap.wrap(line, 156)))


def samplers():
    import torch
    from torch.utils.data import (BatchSampler, DataLoader, DistributedSampler, RandomSampler, SequentialSampler, SubsetRandomSampler,
                                  WeightedRandomSampler)

    print(f"/* torch {torch.__version__.split('+')[0]}, by make_golden_split.py: two epochs of each, and what torch.randint(0, 1000) draws afterwards */")
    data = range(10)
    weights = [0.1, 2, 0.4, 0.7, 3, 0.6, 0, 1, 1, 5]

    def own():
        return torch.Generator().manual_seed(7)

    makers = {
        "random": lambda g: RandomSampler(data, generator=g),
        "replaced": lambda g: RandomSampler(data, replacement=True, num_samples=37, generator=g),
        "longer": lambda g: RandomSampler(data, num_samples=25, generator=g),
        "twice": lambda g: RandomSampler(data, num_samples=20, generator=g),
        "subset": lambda g: SubsetRandomSampler([9, 1, 4, 4, 0], generator=g),
        "weighted": lambda g: WeightedRandomSampler(weights, 12, generator=g),
        "weighted_once": lambda g: WeightedRandomSampler(weights, 6, replacement=False, generator=g),
    }
    for name, make in makers.items():
        for kind in ("own", "default"):
            torch.manual_seed(7)
            g = own() if kind == "own" else None
            s = make(g)
            values = [i for _ in range(2) for i in s]
            array(f"{name}_{kind}", values + [torch.randint(0, 1000, (1,), generator=g)])
    for name, options in {"plain": {}, "in_order": {"shuffle": False}, "dropped": {"drop_last": True, "seed": 5}}.items():
        values = []
        for epoch in range(2):
            for rank in range(4):
                s = DistributedSampler(data, num_replicas=4, rank=rank, **options)
                s.set_epoch(epoch)
                values += list(s)
        array(f"distributed_{name}", values)

    class Data(torch.utils.data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return i

    def loaded(**options):
        torch.manual_seed(3)
        loader = DataLoader(Data(), **options)
        values = [i for _ in range(2) for batch in loader for i in batch.tolist()]
        return values + [torch.randint(0, 1000, (1,))]

    array("loader_weighted", loaded(batch_size=5, sampler=WeightedRandomSampler(weights, 12)))
    array("loader_random", loaded(batch_size=4, sampler=RandomSampler(Data()), drop_last=True))
    array("loader_batch", loaded(batch_sampler=BatchSampler(SubsetRandomSampler([1, 3, 5, 7, 9]), 2, False)))
    array("loader_sequential", loaded(batch_size=3, sampler=SequentialSampler(Data())))


def splits():
    import numpy as np
    import sklearn
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    print(f"/* scikit-learn {sklearn.__version__}, by make_golden_split.py */")
    y = np.array([(i * i + i // 3) % 7 % 4 for i in range(40)])
    y[5] = -3
    y[17] = -3
    y[30] = -3
    array("split_targets", y)
    for seed, test in ((0, 10), (42, 7)):
        train, held = train_test_split(np.arange(40), test_size=test, stratify=y, random_state=seed)
        array(f"train_{seed}", train)
        array(f"test_{seed}", held)

    def folds(name, splitter):
        array(name, [i for _, test in splitter.split(np.zeros(40), y) for i in test])

    folds("k_fold", KFold(3))
    folds("k_fold_shuffled", KFold(3, shuffle=True, random_state=1))
    folds("stratified_k_fold", StratifiedKFold(3))
    folds("stratified_k_fold_shuffled", StratifiedKFold(3, shuffle=True, random_state=1))


if __name__ == "__main__":
    {"sampler": samplers, "split": splits}[sys.argv[1]]()
