"""Chapter 7, judging word vectors: analogies, drawn pairs, associations, maps."""

import numpy as np

from lib.exercise import Exercise, Option, Question, misconception


class ThreeCosAdd(Exercise):
    """Answer "a is to a* as b is to ?" and return the row of the answer.

    W (V, d) holds the vectors, none of them zero; a, a_star and b are row
    numbers. Bring all vectors to length 1, score every word by its cosine
    with b, minus that with a, plus that with a_star, and take the best word
    that is none of the three given ones.
    """

    hints = (
        "Divide each row by its length; then cosines are dot products.",
        "`U @ (U[b] - U[a] + U[a_star])` scores all words at once.",
        "Set the scores of a, a_star and b to minus infinity before `argmax`.",
    )

    def solution(W, a, a_star, b):  # (V, d), int, int, int -> int
        # your code
        U = W / np.linalg.norm(W, axis=1, keepdims=True)
        scores = U @ (U[b] - U[a] + U[a_star])
        scores[[a, a_star, b]] = -np.inf
        # end of your code
        return int(scores.argmax())

    @misconception("lets the given words answer")
    def _(W, a, a_star, b):
        U = W / np.linalg.norm(W, axis=1, keepdims=True)
        return int((U @ (U[b] - U[a] + U[a_star])).argmax())

    hint = "The word nearest to b - a + a* is often b itself. The published scores forbid it."

    @misconception("forbids b only")
    def _(W, a, a_star, b):
        U = W / np.linalg.norm(W, axis=1, keepdims=True)
        scores = U @ (U[b] - U[a] + U[a_star])
        scores[b] = -np.inf
        return int(scores.argmax())

    hint = "Three words are given, and a* is often near the target as well."

    @misconception("leaves the vectors as long as they are")
    def _(W, a, a_star, b):
        scores = W @ (W[b] - W[a] + W[a_star])
        scores[[a, a_star, b]] = -np.inf
        return int(scores.argmax())

    hint = "A long vector has high dot products with everything: bring all rows to length 1."

    @misconception("walks from a* to a")
    def _(W, a, a_star, b):
        U = W / np.linalg.norm(W, axis=1, keepdims=True)
        scores = U @ (U[b] + U[a] - U[a_star])
        scores[[a, a_star, b]] = -np.inf
        return int(scores.argmax())

    hint = "From man to king, then the same from woman: a is taken away, a* is added."

    @misconception("takes the word nearest to b")
    def _(W, a, a_star, b):
        U = W / np.linalg.norm(W, axis=1, keepdims=True)
        scores = U @ U[b]
        scores[[a, a_star, b]] = -np.inf
        return int(scores.argmax())

    hint = "That is the baseline only-b. It never looks at the pair a, a*: bring the pair in."

    def cases():
        degrees = np.radians([0, 10, 35, 45, 80, 200])
        circle = np.stack([np.cos(degrees), np.sin(degrees)], axis=1)
        lengths = np.array([[1.0], [2.0], [1.0], [0.5], [9.0], [1.0]])
        rng = np.random.default_rng(3)
        return {
            "man, king, woman": (circle, 0, 1, 3),
            "vectors of many lengths": (circle * lengths, 0, 1, 3),
            "the other way round": (circle, 1, 0, 2),
            "twenty words": (rng.normal(size=(20, 3)) * rng.uniform(1, 5, (20, 1)), 4, 7, 11),
            "thirty words": (rng.normal(size=(30, 4)), 0, 1, 2),
        }


class DrawnPairs(Exercise):
    """The share of right answers when word pairs are drawn with replacement.

    Question i is made of two word pairs, with the numbers pairs[i] (q, 2), and
    right[i] says whether it was answered. drawn (p,) says how often each word
    pair was drawn. A question counts as often as its two pairs meet in the
    draw: the one's count times the other's. At least one question is left in
    every draw here, so the weights never sum to 0.
    """

    hints = (
        "`drawn[pairs]` holds, for each question, how often its two pairs were drawn.",
        "The weight of a question is the product of the two.",
        "Divide the weight of the right questions by that of all questions.",
    )

    def solution(pairs, right, drawn):  # (q, 2), (q,), (p,) -> float
        # your code
        weight = drawn[pairs].prod(axis=1)
        share = (weight * right).sum() / weight.sum()
        # end of your code
        return float(share)

    @misconception("adds the two counts")
    def _(pairs, right, drawn):
        weight = drawn[pairs].sum(axis=1)
        return float((weight * right).sum() / weight.sum())

    hint = "A pair drawn twice and a pair never drawn do not meet: 2 times 0, not 2 plus 0."

    @misconception("asks only whether both pairs were drawn")
    def _(pairs, right, drawn):
        weight = (drawn[pairs] > 0).all(axis=1)
        return float((weight * right).sum() / weight.sum())

    hint = "Two pairs drawn twice each meet four times."

    @misconception("counts by the first pair alone")
    def _(pairs, right, drawn):
        weight = drawn[pairs[:, 0]]
        return float((weight * right).sum() / weight.sum())

    hint = "The second pair, which holds the answer, was drawn or not as well."

    @misconception("divides by the number of questions")
    def _(pairs, right, drawn):
        weight = drawn[pairs].prod(axis=1)
        return float((weight * right).sum() / len(right))

    hint = "The weights of a draw need not sum to the number of questions."

    def cases():
        pairs = np.array([[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]])
        right = np.array([True, False, True, True, False, False])
        return {
            "every pair once": (pairs, right, np.array([1, 1, 1])),
            "a pair twice, a pair not at all": (pairs, right, np.array([2, 1, 0])),
            "uneven counts": (pairs, right, np.array([1, 2, 3])),
            "four pairs": (
                np.array([[0, 1], [0, 3], [2, 1], [3, 2]]),
                np.array([False, True, True, False]),
                np.array([2, 1, 3, 1]),
            ),
        }


class AssociationTest(Exercise):
    """WEAT's effect size from cosines.

    cosines (n, m) holds the cosine of each target word (row) with each
    attribute word (column). The first half of the rows are the targets X, the
    others Y; the first half of the columns are the attributes A, the others B.
    A word's association is its mean cosine with A minus that with B. The
    effect is the mean association of X minus that of Y, divided by the
    standard deviation (with n - 1, as this chapter defines it; the paper
    leaves that open) of all associations together.
    """

    hints = (
        "Average over columns first: one association a row.",
        "Then split the associations into those of X and those of Y.",
        "`std(ddof=1)` divides by n - 1; take it over X and Y together.",
    )

    def solution(cosines):  # (n, m) -> float
        n, m = (size // 2 for size in cosines.shape)
        # your code
        s = cosines[:, :m].mean(axis=1) - cosines[:, m:].mean(axis=1)
        effect = (s[:n].mean() - s[n:].mean()) / s.std(ddof=1)
        # end of your code
        return float(effect)

    @misconception("leaves the spread out")
    def _(cosines):
        n, m = (size // 2 for size in cosines.shape)
        s = cosines[:, :m].mean(axis=1) - cosines[:, m:].mean(axis=1)
        return float(s[:n].mean() - s[n:].mean())

    hint = "Cosines of one table may all lie near each other: divide by their spread."

    @misconception("divides by the spread within X")
    def _(cosines):
        n, m = (size // 2 for size in cosines.shape)
        s = cosines[:, :m].mean(axis=1) - cosines[:, m:].mean(axis=1)
        return float((s[:n].mean() - s[n:].mean()) / s[:n].std(ddof=1))

    hint = "The standard deviation is that of all associations, X and Y together."

    @misconception("takes the standard deviation with n")
    def _(cosines):
        n, m = (size // 2 for size in cosines.shape)
        s = cosines[:, :m].mean(axis=1) - cosines[:, m:].mean(axis=1)
        return float((s[:n].mean() - s[n:].mean()) / s.std())

    hint = "NumPy divides by n unless told otherwise; the chapter's formula has n - 1: `ddof=1`."

    @misconception("compares X with Y and forgets B")
    def _(cosines):
        n, m = (size // 2 for size in cosines.shape)
        s = cosines[:, :m].mean(axis=1)
        return float((s[:n].mean() - s[n:].mean()) / s.std(ddof=1))

    hint = "An association is a difference: nearer to A than to B."

    def cases():
        rng = np.random.default_rng(1)
        return {
            "two and two": (np.array([[0.9, 0.1], [0.5, 0.3], [0.2, 0.6], [0.1, 0.1]]),),
            "no difference": (np.array([[0.4, 0.2], [0.1, 0.3], [0.4, 0.2], [0.1, 0.3]]),),
            "eight and eight": (rng.uniform(-0.2, 0.8, (16, 16)),),
            "many attributes": (rng.uniform(0, 0.5, (4, 10)),),
        }


class NeighboursKept(Exercise):
    """How many true neighbours a map keeps, on average over the points.

    X (n, d) holds unit vectors, Y (n, 2) their places on a map. The true
    neighbours of a point are the k others with the highest cosine; the map
    shows the k others at the smallest distance. Return the mean share of true
    neighbours that the map shows. There are no ties.
    """

    hints = (
        "`X @ X.T` holds all cosines; put minus infinity on the diagonal.",
        "Distances between all places: `np.linalg.norm(Y[:, None] - Y[None], axis=2)`.",
        "For each point, count what stands in both lists and divide by k.",
    )

    def solution(X, Y, k):  # (n, d), (n, 2), int -> float
        cosines = X @ X.T
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=2)
        # your code
        np.fill_diagonal(cosines, -np.inf)
        np.fill_diagonal(distances, np.inf)
        true = np.argsort(-cosines, axis=1)[:, :k]
        shown = np.argsort(distances, axis=1)[:, :k]
        kept = np.mean([len({*a} & {*b}) / k for a, b in zip(true, shown, strict=True)])
        # end of your code
        return float(kept)

    @misconception("counts a point as its own neighbour")
    def _(X, Y, k):
        cosines = X @ X.T
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=2)
        true = np.argsort(-cosines, axis=1)[:, :k]
        shown = np.argsort(distances, axis=1)[:, :k]
        return float(np.mean([len({*a} & {*b}) / k for a, b in zip(true, shown, strict=True)]))

    hint = "Every map keeps a point near itself. Leave the diagonal out."

    @misconception("asks for the same order, too")
    def _(X, Y, k):
        cosines = X @ X.T
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=2)
        np.fill_diagonal(cosines, -np.inf)
        np.fill_diagonal(distances, np.inf)
        true = np.argsort(-cosines, axis=1)[:, :k]
        shown = np.argsort(distances, axis=1)[:, :k]
        return float((true == shown).mean())

    hint = "A neighbour that is third here and fifth there is kept. Compare sets."

    @misconception("takes the farthest places")
    def _(X, Y, k):
        cosines = X @ X.T
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=2)
        np.fill_diagonal(cosines, -np.inf)
        np.fill_diagonal(distances, -np.inf)
        true = np.argsort(-cosines, axis=1)[:, :k]
        shown = np.argsort(-distances, axis=1)[:, :k]
        return float(np.mean([len({*a} & {*b}) / k for a, b in zip(true, shown, strict=True)]))

    hint = "Cosines are high for neighbours, distances are low."

    @misconception("divides by all points that either list names")
    def _(X, Y, k):
        cosines = X @ X.T
        distances = np.linalg.norm(Y[:, None] - Y[None], axis=2)
        np.fill_diagonal(cosines, -np.inf)
        np.fill_diagonal(distances, np.inf)
        true = np.argsort(-cosines, axis=1)[:, :k]
        shown = np.argsort(distances, axis=1)[:, :k]
        shares = [len({*a} & {*b}) / len({*a} | {*b}) for a, b in zip(true, shown, strict=True)]
        return float(np.mean(shares))

    hint = "The share is of the k true neighbours, so divide by k."

    def cases():
        rng = np.random.default_rng(5)
        X = rng.normal(size=(30, 6))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        return {
            "the first two coordinates": (X, X[:, :2].copy(), 5),
            "places at random": (X, rng.normal(size=(30, 2)), 5),
            "one neighbour": (X, X[:, :2].copy(), 1),
            "a plane on itself": (
                X[:, :2] / np.linalg.norm(X[:, :2], axis=1, keepdims=True),
                X[:, :2] / np.linalg.norm(X[:, :2], axis=1, keepdims=True),
                4,
            ),
        }


with_inputs = Question(
    "An analogy is answered by the word nearest to b - a + a*. The published scores forbid the "
    "three given words as answers. Allow them. On the vectors that we train, the share of right "
    "answers ...",
    (
        Option(
            "stays nearly the same, since the answer is a fourth word",
            "The fourth word is seldom the nearest one.",
        ),
        Option(
            "falls by about a half",
            "For the pretrained GloVe vectors you would be near. On our small corpus it is worse.",
        ),
        Option(
            "falls to almost nothing",
            "With our vectors the sum mostly stays next to b, and b answers, or next to a*. The "
            "rule that forbids them does most of it.",
            right=True,
        ),
    ),
)

opposites = Question(
    "Take some fifty words, to each an opposite (hot, cold) and a synonym (hot, warm). Which of "
    "the two has the higher cosine with the word, averaged over these words?",
    (
        Option(
            "The synonym, clearly",
            "That would follow if vectors held meaning. They hold company, and opposites keep the "
            "same company.",
        ),
        Option(
            "Both about alike",
            "So it may be between words of equal frequency: these few cannot tell. Over all of "
            "them the opposite leads.",
        ),
        Option(
            "The opposite",
            "By a little. Whatever can be hot can be cold. Part of the lead may be frequency: "
            "synonyms are often the rarer words. The chapter asks.",
            right=True,
        ),
    ),
)

random_attributes = Question(
    "A test asks whether names of men are nearer to words of career than names of women are, and "
    "gives a p-value. Replace career and family by words drawn at random. How often does the test "
    "report a difference at the level of one in twenty?",
    (
        Option(
            "In about one case of twenty",
            "So it would be if the test covered the choice of these words. It takes them as given.",
        ),
        Option(
            "In a third of the cases or more",
            "The names of men and women differ along some direction, and any two word lists lie a "
            "little to one side of it. The p-value knows only the names.",
            right=True,
        ),
        Option(
            "Never, since random words mean nothing",
            "They mean nothing together. Each of them still stands somewhere.",
        ),
    ),
)

units_again = Question(
    "Back to chapter 1. Fifty documents gave over a thousand pairs, and we resampled documents. "
    "Ten thousand analogies are made of about four hundred word pairs. What should be resampled?",
    (
        Option(
            "The questions",
            "A word pair with an odd vector spoils all of its questions at once; drawing questions "
            "one by one hides that.",
        ),
        Option(
            "The word pairs",
            "They are what another benchmark would bring new ones of, as it was with documents.",
            right=True,
        ),
        Option(
            "The kinds of question",
            "That would say how much the choice of kinds matters. There are only fourteen.",
        ),
    ),
)

window_again = Question(
    "Back to chapter 4. A narrow window helped on SimLex-999 and a wide one on WordSim-353. Would "
    "you expect a narrow window to bring opposites apart?",
    (
        Option(
            "Yes, since SimLex-999 rates opposites low",
            "It rates them low, and a narrow window finds words that can stand in one another's "
            "place. Opposites can.",
        ),
        Option(
            "Not by itself, since opposites can stand in the same places",
            "The direct neighbours of *hot* and *cold* are much the same words. A narrow window "
            "did better on SimLex-999 all the same, so it may help with other pairs; on opposites "
            "the book has not tried it.",
            right=True,
        ),
        Option(
            "It makes no difference, since a window is only a width",
            "The width decides what vectors hold: grammar when narrow, topic when wide.",
        ),
    ),
)
