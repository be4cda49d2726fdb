"""What `store/protocol.py` promises, for every implementation."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from stores import Clock, OpenStore

from opengwlb.model.account import AccessKey, Account
from opengwlb.model.snapshot import KINDS
from opengwlb.model.vpc import InternetGateway
from opengwlb.store.protocol import Change, Compacted, Store, StoreError, Transaction

DEADLINE_S = 10.0


def account(number: int, *, name: str = "") -> Account:
    return Account(id=f"{number:012d}", name=name or f"account-{number}")


def put(store: Store, *objects: object) -> int:
    def work(transaction: Transaction) -> None:
        for obj in objects:
            transaction.put(obj)  # type: ignore[arg-type]

    store.transact(work)
    return store.snapshot().revision


def delete(store: Store, obj: Account) -> int:
    store.transact(lambda transaction: transaction.delete(Account, obj.id))
    return store.snapshot().revision


def test_a_new_store_is_empty_at_revision_zero(store: Store) -> None:
    assert store.snapshot().revision == 0
    assert [list(store.snapshot().values(kind)) for kind in KINDS] == [[] for _ in KINDS]
    assert store.changes(0) == []


def test_a_transaction_returns_what_its_work_returns_and_its_writes_are_in_the_next_snapshot(store: Store) -> None:
    def work(transaction: Transaction) -> str:
        transaction.put(account(1))
        return "answer"

    assert store.transact(work) == "answer"
    assert store.snapshot().get(Account, account(1).id) == account(1)
    assert store.snapshot().revision == 1


def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    put(store, account(1), account(2))

    def work(transaction: Transaction) -> None:
        transaction.put(account(3))
        transaction.put(account(1, name="renamed"))
        transaction.delete(Account, account(2).id)
        assert transaction.get(Account, account(1).id) == account(1, name="renamed")
        assert transaction.get(Account, account(2).id) is None
        assert transaction.get(Account, None) is None
        assert list(transaction.values(Account)) == [account(1, name="renamed"), account(3)]

    store.transact(work)
    assert list(store.snapshot().values(Account)) == [account(1, name="renamed"), account(3)]


def test_values_may_be_walked_while_deleting(store: Store) -> None:
    put(store, *(account(number) for number in range(10)))

    def work(transaction: Transaction) -> None:
        for obj in transaction.values(Account):
            transaction.delete(Account, obj.id)

    store.transact(work)
    assert list(store.snapshot().values(Account)) == []


def test_an_exception_rolls_everything_back_and_is_raised_again(store: Store, open_store: OpenStore) -> None:
    put(store, account(1))

    def work(transaction: Transaction) -> None:
        transaction.put(account(2))
        transaction.delete(Account, account(1).id)
        raise KeyError("no")

    with pytest.raises(KeyError):
        store.transact(work)
    assert store.snapshot().revision == 1
    assert list(store.snapshot().values(Account)) == [account(1)]
    assert len(store.changes(0)) == 1
    assert put(store, account(3)) == 2, "the next transaction works"
    store.close()
    assert list(open_store().snapshot().values(Account)) == [account(1), account(3)]


def test_an_object_that_would_not_read_back_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(TypeError):
        put(store, account(1), Account(id="2", name=5))  # type: ignore[arg-type]
    assert store.snapshot().revision == 0


def test_a_kind_the_model_does_not_list_is_refused(store: Store) -> None:
    with pytest.raises(TypeError):
        put(store, "not a stored kind")


def test_a_transaction_without_changes_makes_no_revision(store: Store) -> None:
    put(store, account(1))
    assert put(store, account(1)) == 1
    assert delete(store, account(9)) == 1

    def there_and_back(transaction: Transaction) -> None:
        transaction.put(account(2))
        transaction.delete(Account, account(2).id)
        transaction.delete(Account, account(1).id)
        transaction.put(account(1))

    store.transact(there_and_back)
    assert store.snapshot().revision == 1
    assert len(store.changes(0)) == 1


def test_a_transaction_cannot_be_used_when_it_is_over(store: Store) -> None:
    kept: list[Transaction] = []
    store.transact(kept.append)
    with pytest.raises(RuntimeError):
        kept[0].put(account(1))


def test_a_transaction_inside_a_transaction_is_an_error_and_no_deadlock(store: Store) -> None:
    with pytest.raises(RuntimeError):
        store.transact(lambda _: store.transact(lambda _: None))
    assert put(store, account(1)) == 1


def test_objects_keep_the_order_of_their_creation_also_on_disk(store: Store, open_store: OpenStore) -> None:
    put(store, account(3), account(1))
    put(store, account(2))
    put(store, account(3, name="renamed"))
    delete(store, account(1))
    put(store, account(1))
    expected = [account(3, name="renamed"), account(2), account(1)]
    assert list(store.snapshot().values(Account)) == expected
    store.close()
    assert list(open_store().snapshot().values(Account)) == expected


def test_a_snapshot_never_changes(store: Store) -> None:
    put(store, account(1))
    before = store.snapshot()
    put(store, account(1, name="renamed"), account(2))
    assert list(before.values(Account)) == [account(1)]
    assert before.revision == 1


def test_a_snapshot_does_not_wait_for_a_writer(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def work(transaction: Transaction) -> None:
        transaction.put(account(1))
        inside.set()
        assert go_on.wait(DEADLINE_S)

    writer = threading.Thread(target=store.transact, args=(work,))
    writer.start()
    assert inside.wait(DEADLINE_S)
    assert store.snapshot().revision == 0
    assert store.changes(0) == []
    go_on.set()
    writer.join(DEADLINE_S)
    assert store.snapshot().revision == 1


def test_writers_take_turns_and_readers_see_only_whole_transactions(store: Store) -> None:
    """Each transaction moves one unit between two counters: every snapshot must keep their sum."""
    writers, rounds = 4, 25
    put(store, account(1, name="0"), account(2, name="0"))
    stop = threading.Event()
    torn: list[object] = []

    def move(transaction: Transaction) -> None:
        one, two = (transaction.get(Account, account(number).id) for number in (1, 2))
        assert one is not None and two is not None
        transaction.put(dataclasses.replace(one, name=str(int(one.name) + 1)))
        transaction.put(dataclasses.replace(two, name=str(int(two.name) - 1)))

    def write() -> None:
        for _ in range(rounds):
            store.transact(move)

    def read() -> None:
        seen = 1
        while not stop.is_set():
            seen = store.wait(seen, 0.01)
            snapshot = store.snapshot()
            names = [obj.name for obj in snapshot.values(Account)]
            if sum(map(int, names)) != 0 or len(store.changes(seen - 1)) % 2:
                torn.append((snapshot.revision, names))

    readers = [threading.Thread(target=read) for _ in range(2)]
    movers = [threading.Thread(target=write) for _ in range(writers)]
    for thread in readers + movers:
        thread.start()
    for thread in movers:
        thread.join(DEADLINE_S)
    stop.set()
    for thread in readers:
        thread.join(DEADLINE_S)
    assert torn == []
    assert [obj.name for obj in store.snapshot().values(Account)] == [str(writers * rounds), str(-writers * rounds)]
    assert store.snapshot().revision == 1 + writers * rounds


def test_changes_give_every_change_since_a_revision_oldest_first(store: Store, clock: Clock) -> None:
    put(store, account(1))
    clock.now += 5
    put(store, account(1, name="renamed"))
    clock.now += 5
    delete(store, account(1))
    start = clock.now - 10
    renamed = account(1, name="renamed")
    everything = [
        Change(revision=1, kind=Account, id=account(1).id, object=account(1), at=start),
        Change(revision=2, kind=Account, id=account(1).id, object=renamed, at=start + 5),
        Change(revision=3, kind=Account, id=account(1).id, object=None, at=start + 10),
    ]
    for since in range(4):
        assert store.changes(since) == everything[since:]


def test_all_changes_of_a_transaction_share_its_revision(store: Store) -> None:
    put(store, account(1), InternetGateway(id="igw-1", account="1", region="r"))
    assert {change.revision for change in store.changes(0)} == {1}
    assert {change.kind for change in store.changes(0)} == {Account, InternetGateway}


def test_changes_younger_than_an_hour_are_kept_and_older_ones_say_relist(store: Store, clock: Clock) -> None:
    put(store, account(1))
    clock.now += 3599
    put(store, account(2))
    assert len(store.changes(0)) == 2
    clock.now += 3599
    put(store, account(3))
    assert [change.revision for change in store.changes(1)] == [2, 3]
    with pytest.raises(Compacted):
        store.changes(0)
    assert len(list(store.snapshot().values(Account))) == 3, "objects do not age"


def test_a_revision_from_the_future_says_relist(store: Store) -> None:
    with pytest.raises(Compacted):
        store.changes(7)


def test_wait_returns_at_once_when_there_is_something_new(store: Store) -> None:
    put(store, account(1))
    assert store.wait(0, 0.0) == 1
    assert store.wait(1, 0.0) == 1


def test_wait_wakes_when_another_thread_writes(store: Store) -> None:
    woken: list[int] = []
    waiter = threading.Thread(target=lambda: woken.append(store.wait(0, DEADLINE_S)))
    waiter.start()
    put(store, account(1))
    waiter.join(DEADLINE_S)
    assert woken == [1]


def test_closing_wakes_waiters_and_refuses_writes(store: Store) -> None:
    waiter = threading.Thread(target=store.wait, args=(0, 60.0))
    waiter.start()
    store.close()
    waiter.join(DEADLINE_S)
    assert not waiter.is_alive()
    with pytest.raises(StoreError):
        put(store, account(1))


def test_reset_deletes_everything_as_one_transaction(store: Store) -> None:
    put(store, account(1), AccessKey(id="AKIA", account=account(1).id, secret="s"))
    store.reset()
    assert store.snapshot().revision == 2
    assert list(store.snapshot().values(Account)) == []
    assert [change.object for change in store.changes(1)] == [None, None]
    store.reset()
    assert store.snapshot().revision == 2


def test_revisions_and_history_go_on_after_reopening(store: Store, open_store: OpenStore) -> None:
    put(store, account(1))
    put(store, account(2))
    history = store.changes(0)
    store.close()
    again = open_store()
    assert again.changes(0) == history
    assert put(again, account(3)) == 3


# What the model's values can hold: a clock's floats and numbers of the machine, not NaN or a googol.
st.register_type_strategy(float, st.floats(min_value=0, max_value=1e11))
st.register_type_strategy(int, st.integers(min_value=-(2**63), max_value=2**63 - 1))
ANY_OBJECT = st.one_of([st.from_type(kind) for kind in KINDS])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(objects=st.lists(ANY_OBJECT, min_size=1, max_size=4))
def test_every_kind_comes_back_equal_from_disk(objects: list[Any], open_store: OpenStore) -> None:
    expected = {(type(obj), obj.id): obj for obj in objects}
    for step in ("write", "read"):
        store = open_store()
        try:
            if step == "write":
                store.reset()
                put(store, *objects)
            found = {(kind, obj.id): obj for kind in KINDS for obj in store.snapshot().values(kind)}
            assert found == expected
        finally:
            store.close()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_object_of_each_kind_comes_back_equal_in_changes(kind: type[Any], store: Store) -> None:
    obj = find(st.from_type(kind), lambda _: True, settings=settings(database=None))
    put(store, obj)
    assert [change.object for change in store.changes(0)] == [obj]


def test_the_history_of_one_kind_is_what_is_still_kept_of_it(store: Store, clock: Clock) -> None:
    put(store, account(1))
    clock.now += 3700
    first = put(store, account(1, name="renamed"), InternetGateway(id="igw-1", account="1", region="r"))
    store.transact(lambda tx: tx.delete(Account, account(1).id))
    assert [(one.revision, one.object and one.object.name) for one in store.history(Account)] == [
        (first, "renamed"),
        (first + 1, None),
    ]
    assert [one.revision for one in store.history(Account, since=first)] == [first + 1]
    assert store.history(AccessKey) == []
