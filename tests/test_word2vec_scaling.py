"""The design of the race against gensim: one change at a time; what a row says."""

from experiments import word2vec_scaling as experiment


def test_one_thing_is_changed_at_a_time():
    points = experiment.points()
    assert len({tuple(point.items()) for point in points}) == len(points)
    for point in points:
        changed = [name for name, value in experiment.BASE.items() if point[name] != value]
        assert len(changed) <= 1, point
    for name in experiment.BASE:
        assert len({point[name] for point in points}) == {"threads": 2}.get(name, 3)


def test_every_model_is_raced_at_the_base_and_with_two_threads():
    for threads in (1, 2):
        raced = [
            point["model"]
            for point in experiment.points()
            if point == {"model": point["model"], **experiment.BASE, "threads": threads}
        ]
        assert sorted(raced) == sorted(experiment.MODELS)


def test_a_point_becomes_the_settings_of_the_race_and_its_outcome_a_row(monkeypatch):
    asked = []

    def race(*given):
        asked.append(given)
        scores = {"lowest ratio": 2.9, "highest ratio": 3.1, "wordsim ours": 0.1}
        return {"ours": 300.0, "peer": 100.0, "ratio": 3.0, "scores": scores}

    monkeypatch.setattr(experiment, "race", race)
    monkeypatch.setattr(experiment, "_corpus", lambda: "the corpus")
    row = experiment.measure("cbow", dimensions=50, tokens=1000, threads=2)
    assert row == {"ours": 300.0, "gensim": 100.0, "ratio": 3.0, "lowest": 2.9, "highest": 3.1}
    ((_, settings, threads, tokens, corpus, rounds),) = asked
    assert (settings.model, settings.dimensions, settings.epochs) == ("cbow", 50, 1)
    assert (threads, tokens, corpus, rounds) == (2, 1000, "the corpus", 3)


def test_the_forms_of_each_model_differ_in_what_their_names_say():
    settings = experiment.MODELS.values()
    assert {s.model for s in settings} == {"skip-gram", "cbow"}
    for name, s in experiment.MODELS.items():
        assert ("cbow" in name) == (s.model == "cbow")
        assert ("hierarchical" in name) == (s.output == "hierarchical")
        assert ("window" in name) == (s.step == "window")
