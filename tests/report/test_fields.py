"""Every field of a report is explained, and what is explained is there."""

import json

import accel
from accel.report import fields


def test_reports_have_the_fields_that_are_explained():
    ran = accel.run("mnist", limit=3, batch=2, array=(4, 4)).report
    predicted = accel.estimate("googlenet", engines=True)
    for report in (ran, predicted, accel.estimate("kws", search=2, batch=2)):
        assert fields.unexplained(json.loads(json.dumps(report))) == []


def test_a_field_too_many_or_too_few_is_seen():
    report = accel.estimate("notes", array=(4, 4))
    report["layers"][1]["new"] = 1
    del report["total"]["cycles"]
    assert fields.unexplained(report) == ["layer new", "total cycles"]
