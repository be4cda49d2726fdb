"""CloudWatch's data points on disk: added up, kept apart, rolled up by age, and still there after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opengwlb.model.metrics import DAY, HOUR, MINUTE, Datum, MetricKey, Point
from opengwlb.policy import points
from opengwlb.store import metrics as metrics_module
from opengwlb.store.metrics import MetricStore, Stored, TooManyMetrics
from opengwlb.store.protocol import StoreError

NOON = 1_800_000_000 - 1_800_000_000 % DAY + DAY // 2
CPU = MetricKey(account="111111111111", region="ap-northeast-2", namespace="App", name="CPU")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    made = MetricStore(tmp_path / "metrics.sqlite")
    yield made
    made.close()


def datum(
    value: float,
    *,
    at: int = NOON,
    key: MetricKey = CPU,
    unit: str = "Percent",
    step: int = MINUTE,
    point: Point | None = None,
) -> Datum:
    return Datum(key=key, unit=unit, at=at, step=step, point=point or points.single(value))


def read(store: MetricStore, *, key: MetricKey = CPU, unit: str | None = None) -> list[Stored]:
    return list(store.points(key, start=0, end=2**40, unit=unit))


def test_what_is_put_into_one_period_is_added_up_across_calls_and_reopening(store: MetricStore, tmp_path: Path) -> None:
    store.put([datum(1), datum(5), datum(3, at=NOON + MINUTE)])
    store.put([datum(3)])
    store.close()
    store = MetricStore(tmp_path / "metrics.sqlite")
    first, second = read(store)
    assert (first.at, first.step, first.unit) == (NOON, MINUTE, "Percent")
    assert first.point == Point(3, 9, 1, 5, {1: 1, 5: 1, 3: 1})
    assert (second.at, second.point) == (NOON + MINUTE, points.single(3))
    store.replace([datum(7, at=NOON + MINUTE)])
    assert read(store)[1].point == points.single(7)
    store.close()


def test_units_dimensions_regions_and_accounts_are_series_of_their_own(store: MetricStore) -> None:
    others = [
        MetricKey(account="222222222222", region=CPU.region, namespace="App", name="CPU"),
        MetricKey(account=CPU.account, region="us-east-1", namespace="App", name="CPU"),
        MetricKey(account=CPU.account, region=CPU.region, namespace="App", name="CPU", dimensions=(("Host", "a"),)),
    ]
    store.put([datum(number, key=key) for number, key in enumerate(others)])
    store.put([datum(10), datum(20, unit="Count")])
    assert [(one.unit, one.point.sum) for one in read(store)] == [("Percent", 10), ("Count", 20)]
    assert [one.point.sum for one in read(store, unit="Count")] == [20]
    assert [read(store, key=key)[0].point.sum for key in others] == [0, 1, 2]
    assert [one.key for one in store.listed(CPU.account, region=CPU.region)] == [others[2], CPU]
    store.forget("222222222222")
    assert not read(store, key=others[0]) and read(store)


def test_a_range_is_half_open_and_crosses_chunks(store: MetricStore) -> None:
    store.put(datum(n, at=NOON + n * MINUTE) for n in range(200))
    found = list(store.points(CPU, start=NOON + 50 * MINUTE, end=NOON + 130 * MINUTE))
    assert [one.point.sum for one in found] == list(range(50, 130))


@pytest.mark.parametrize(("age", "step"), [(HOUR // 2, 1), (4 * HOUR, 60), (16 * DAY, 300), (64 * DAY, 3600)])
def test_the_older_the_coarser_and_nothing_is_lost_on_the_way(store: MetricStore, age: int, step: int) -> None:
    values = [float(n % 97) for n in range(2 * HOUR)]
    store.put(datum(value, at=NOON + n, step=1) for n, value in enumerate(values))
    now = NOON + len(values) + age
    while store.roll(now, most=37):
        pass
    found = read(store)
    assert {one.step for one in found} == {step}
    whole = points.merged(one.point for one in found)
    assert (whole.count, whole.sum, whole.minimum, whole.maximum) == (len(values), sum(values), 0, 96)
    assert whole.spread == {float(n): values.count(float(n)) for n in range(97)}


def test_after_455_days_a_metric_is_gone(store: MetricStore, tmp_path: Path) -> None:
    store.put([datum(1)])
    for day in (20, 70, 454):
        while store.roll(NOON + day * DAY):
            pass
    assert read(store)
    while store.roll(NOON + 470 * DAY):
        pass
    assert not read(store) and not store.listed(CPU.account, region=CPU.region)
    store.put([datum(2, at=NOON + 470 * DAY)])
    assert [one.point.sum for one in read(store)] == [2]


def test_an_account_has_a_bounded_number_of_metrics_and_a_refused_call_changes_nothing(
    store: MetricStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "CUSTOM_METRICS", 3)

    def named(name: str, *, account: str = CPU.account, namespace: str = "App") -> MetricKey:
        return MetricKey(account=account, region=CPU.region, namespace=namespace, name=name)

    store.put([datum(1, key=named("a")), datum(1, key=named("b"))])
    with pytest.raises(TooManyMetrics):
        store.put([datum(9, key=named("a")), datum(1, key=named("c")), datum(1, key=named("d"))])
    with pytest.raises(TooManyMetrics):
        store.put([datum(1, key=named("long" * 100))])
    assert [one.point.sum for one in read(store, key=named("a"))] == [1]
    store.put([datum(2, key=named("a")), datum(1, key=named("c"))])
    store.put([datum(1, key=named("d", account="222222222222")), datum(1, key=named("e", namespace="AWS/EC2"))])
    store.forget(CPU.account)
    store.put([datum(1, key=named("d"))])


def test_a_put_that_was_answered_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import sys; from test_metrics import *\n"
        "from pathlib import Path\n"
        "store = MetricStore(Path(sys.argv[1])); store.put(datum(n, at=NOON + n * MINUTE) for n in range(5))\n"
        "print('put', flush=True); sys.stdin.read()\n"
    )
    path = tmp_path / "metrics.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert process.stdout is not None and process.stdout.readline() == b"put\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store = MetricStore(path)
    assert [one.point.sum for one in read(store)] == [0, 1, 2, 3, 4]
    store.close()


def test_a_failed_write_changes_nothing_and_says_so(store: MetricStore) -> None:
    store.put([datum(1)])
    store._writer.execute("CREATE TRIGGER full BEFORE INSERT ON series BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(StoreError, match="disk full"):
        store.put([datum(5), datum(1, unit="Count")])
    assert [one.point.sum for one in read(store)] == [1]
    store._writer.execute("DROP TRIGGER full")
    store.put([datum(5), datum(1, unit="Count")])
    assert [one.point.sum for one in read(store)] == [6, 1]


def test_a_minute_takes_few_bytes(tmp_path: Path) -> None:
    """A day of one whole-numbered value a minute, 20 metrics: 7.2 bytes a data point were measured, index and rows included."""
    path = tmp_path / "metrics.sqlite"
    store = MetricStore(path)
    keys = [MetricKey(account="1", region="r", namespace="App", name=str(number)) for number in range(20)]
    for minute in range(0, DAY // MINUTE, 60):
        at = range(minute, minute + 60)
        store.put(datum(n * 37 % 5000, at=NOON + n * MINUTE, key=key) for n in at for key in keys)
    store.close()
    assert path.stat().st_size / (20 * DAY / MINUTE) < 10
