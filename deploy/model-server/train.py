"""Fits the two models the server serves, from data scikit-learn carries with it: no download, the same result each time.

usage: train.py FOLDER        writes FOLDER/iris.joblib and FOLDER/digits.joblib
"""

import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# Below this, something other than the data is wrong.
LOWEST_ACCURACY = 0.9


def train(data):
    known, unknown, labels, answers = train_test_split(
        data.data, data.target, test_size=0.25, random_state=7, stratify=data.target
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(known, labels)
    return model, model.score(unknown, answers)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (("iris", load_iris()), ("digits", load_digits())):
        model, accuracy = train(data)
        if accuracy < LOWEST_ACCURACY:
            sys.exit(f"{name}: accuracy {accuracy:.3f} on unseen rows is below {LOWEST_ACCURACY}")
        joblib.dump(model, folder / f"{name}.joblib")
        print(f"{name}: accuracy {accuracy:.3f} on unseen rows")


if __name__ == "__main__":
    main()
