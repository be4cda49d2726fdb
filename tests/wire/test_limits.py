"""Token buckets, with time as a number."""

from __future__ import annotations

from opengwlb.wire.limits import BURST_S, Bucket, Limits, looks


def taken(bucket: Bucket, *, now: float) -> int:
    count = 0
    while bucket.take(now=now):
        count += 1
    return count


def test_a_bucket_gives_its_size_at_once_and_then_its_rate():
    bucket = Bucket(rate=10, size=30, now=0)
    assert taken(bucket, now=0) == 30
    assert taken(bucket, now=0.05) == 0
    assert taken(bucket, now=1.05) == 10


def test_a_bucket_keeps_no_more_than_its_size():
    bucket = Bucket(rate=10, size=30, now=0)
    assert taken(bucket, now=3600) == 30


def test_a_clock_that_goes_back_brings_nothing_and_takes_nothing():
    bucket = Bucket(rate=10, size=30, now=100)
    assert taken(bucket, now=50) == 30
    assert taken(bucket, now=51) == 10


def test_accounts_and_classes_of_action_have_buckets_of_their_own():
    limits = Limits(rate=1)
    spent = sum(limits.allow("one", "looks", now=0) for _ in range(2 * BURST_S))
    assert spent == BURST_S
    assert limits.allow("one", "changes", now=0)
    assert limits.allow("another", "looks", now=0)
    assert not limits.allow("one", "looks", now=0)
    assert limits.allow("one", "looks", now=1)


def test_no_rate_is_no_limit():
    limits = Limits(rate=0)
    assert all(limits.allow("one", now=0) for _ in range(100_000))


def test_thousands_of_accounts_are_not_all_remembered():
    limits = Limits(rate=1)
    for number in range(10_000):
        assert limits.allow(str(number), now=0)
    assert len(limits._buckets) < 5_000


def test_what_only_looks_is_told_by_its_name():
    assert (
        looks("DescribeVpcs")
        and looks("GetMetricData")
        and looks("ListMetrics")
        and looks("SearchTransitGatewayRoutes")
    )
    assert not looks("CreateVpc") and not looks("DeleteVpc") and not looks("RunInstances")
