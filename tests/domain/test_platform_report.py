"""The report names every row, and does not grow with them."""

from smart_redirect.domain.platform.report import Remark, Report


def test_every_remark_goes_to_the_sink_and_the_first_hundred_stay():
    taken: list[Remark] = []
    report = Report(taken.append)
    for row in range(1000):
        report.left_out("calls", row, "why")
    assert [remark.id for remark in taken] == [str(row) for row in range(1000)]
    assert report.remarks == taken[:100]
    assert list(report.counts.values()) == [1000]


def test_a_repaired_row_leaves_the_report_complete_and_one_left_out_does_not():
    report = Report()
    report.repaired("users", 1, "why")
    assert report.complete
    report.left_out("users", 2, "why")
    assert not report.complete


def test_what_would_move_a_cursor_is_not_shown():
    report = Report()
    report.left_out("users", "1\x1b[2J", "name \n\r Иванов")
    assert (report.remarks[0].id, report.remarks[0].reason) == ("1\ufffd[2J", "name \ufffd\ufffd Иванов")
