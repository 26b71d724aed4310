import re

from s2v_runner.metrics.catalogue import PLAIN_METRICS, VIDEO_METRICS, WEIGHTED_METRICS
from s2v_runner.metrics.weighted.choice import METRICS_OF


def test_keys_are_there_once_and_are_words_that_anything_takes():
    keys = [metric.key for metric in VIDEO_METRICS]
    assert len(keys) == len(set(keys)) == len(PLAIN_METRICS) + len(WEIGHTED_METRICS)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", key) for key in keys)


def test_every_metric_says_what_it_is():
    for metric in VIDEO_METRICS:
        assert metric.help.endswith("."), metric.key
        assert not metric.help[0].islower(), metric.key
        assert ". " not in metric.help.replace("et al. ", ""), metric.key
        assert metric.name[0].isupper(), metric.key
    assert len({metric.name for metric in VIDEO_METRICS}) == len(VIDEO_METRICS)


def test_what_describes_is_neither_better_nor_worse():
    for metric in VIDEO_METRICS:
        assert metric.kind in ("quality", "description"), metric.key
        assert (metric.better is None) == (metric.kind == "description"), metric.key


def test_a_notable_difference_can_be_seen_in_the_digits_that_are_shown():
    for metric in VIDEO_METRICS:
        assert 0 <= metric.digits <= 4, metric.key
        assert metric.notable is None or metric.notable >= 10**-metric.digits, metric.key


def test_every_quality_has_a_difference_that_is_worth_a_choice():
    assert not [metric.key for metric in VIDEO_METRICS if metric.kind == "quality" and metric.notable is None]


def test_each_metric_of_a_network_belongs_to_a_setting():
    of_settings = [key for keys in METRICS_OF.values() for key in keys]
    assert sorted(of_settings) == sorted(metric.key for metric in WEIGHTED_METRICS)
