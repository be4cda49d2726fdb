"""Logging in, whom a cookie speaks for, and what ends it."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie

import pytest

from opengwlb.cli import credentials
from opengwlb.console import sessions
from tests.stories.server import Server

from .browser import SESSION, Browser

ACCOUNTS = "/_gwlb/v1/accounts"
EVENTS = "/_gwlb/v1/events"


def _profile(server: Server, name: str) -> credentials.Profile:
    return credentials.profile(server.data_dir, name=name)


def cookie_name(browser: Browser, account: str) -> str:
    return f"gwlb_session_{browser.http.base_url.port}_{account}"


def _names(answer: object) -> list[str]:
    return sorted(each["name"] for each in answer.json()["accounts"])  # type: ignore[attr-defined]


def test_nobody_is_logged_in_at_first_and_the_server_says_what_it_is(browser: Browser) -> None:
    answer = browser.ask("GET", SESSION)
    assert answer.status_code == 200
    told = answer.json()
    assert told["accounts"] == []
    assert told["data_plane"] == "none" and told["default_region"] in told["regions"] and told["version"]
    assert answer.headers["cache-control"] == "no-store"


def test_an_access_key_and_its_secret_log_in(server: Server, browser: Browser) -> None:
    answer = browser.log_in(_profile(server, "one"))
    assert answer.status_code == 200 and _names(answer) == ["one"]
    assert _names(browser.ask("GET", SESSION)) == ["one"]
    assert not answer.json()["accounts"][0]["operator"]


def test_the_cookie_is_for_this_server_alone_and_for_no_script(server: Server, browser: Browser) -> None:
    answer = browser.log_in(_profile(server, "one"))
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert cookie.key == cookie_name(browser, browser.account)
    assert cookie["httponly"] and cookie["samesite"].lower() == "strict" and cookie["path"] == "/"
    assert int(cookie["max-age"]) == 12 * 3600
    assert not cookie["domain"] and not cookie["secure"], "without TLS a browser would not send it back"
    assert _profile(server, "one").secret_key not in answer.headers["set-cookie"]


def test_a_wrong_secret_is_refused_and_late(server: Server, browser: Browser) -> None:
    began = time.monotonic()
    answer = browser.log_in(_profile(server, "one"), secret="wrong")
    assert answer.status_code == 403 and answer.json()["code"] == "SignatureDoesNotMatch"
    assert time.monotonic() - began >= 1
    assert "set-cookie" not in answer.headers


def test_an_unknown_key_is_refused(browser: Browser) -> None:
    nobody = credentials.Profile(name="nobody", access_key="AKIANOBODY", secret_key="")
    assert browser.log_in(nobody).json()["code"] == "InvalidClientTokenId"


@pytest.mark.parametrize("body", [[], {"access_key": 1}, {"unknown": "x"}, "text"])
def test_what_is_no_login_is_named_and_not_an_internal_error(browser: Browser, body: object) -> None:
    answer = browser.ask("POST", SESSION, body=body)
    assert answer.status_code == 400 and answer.json()["code"] == "ValidationError"


def test_a_login_token_logs_in_and_a_session_is_not_one(server: Server, browser: Browser) -> None:
    key = _profile(server, "one")
    token = sessions.login_token(key.access_key, key.secret_key, now_s=time.time())
    assert _names(browser.ask("POST", SESSION, body={"token": token})) == ["one"]
    session = sessions.session_token(key.access_key, key.secret_key, now_s=time.time())
    assert browser.ask("POST", SESSION, body={"token": session}).json()["code"] == "ExpiredToken"
    old = sessions.login_token(key.access_key, key.secret_key, now_s=time.time() - sessions.LOGIN_S - 1)
    assert browser.ask("POST", SESSION, body={"token": old}).status_code == 403


def test_the_read_api_answers_the_session_by_header_and_by_query(one: Browser) -> None:
    assert one.ask("GET", EVENTS).status_code == 200
    assert one.ask("GET", f"{EVENTS}?account={one.account}", headers={"x-gwlb-account": ""}).status_code == 200
    assert one.ask("POST", EVENTS, body={"limit": 1}).status_code == 200


def test_two_accounts_are_logged_in_side_by_side(server: Server, one: Browser) -> None:
    first = one.account
    answer = one.log_in(_profile(server, "two"))
    assert _names(answer) == ["one", "two"]
    second = one.account
    for account in (first, second):
        told = one.aws("sts", "GetCallerIdentity", {}, **{"x-gwlb-account": account}).json()["result"]
        assert told["Account"] == account
    one.account = ""
    assert one.ask("GET", EVENTS).json()["code"] == "ValidationError", "which of them, it has to say"


def test_an_account_that_is_not_logged_in_cannot_be_chosen(server: Server, one: Browser) -> None:
    with Browser(server.endpoint) as other:
        other.log_in(_profile(server, "two"))
        two = other.account
        stolen = {"cookie": f"{cookie_name(one, two)}={one.http.cookies[cookie_name(one, one.account)]}"}
    refused = one.ask("GET", EVENTS, headers={"x-gwlb-account": two})
    assert refused.status_code == 403 and refused.json()["code"] == "ExpiredToken"
    one.http.cookies.clear()
    renamed = one.ask("GET", EVENTS, headers={"x-gwlb-account": two, **stolen})
    assert renamed.status_code == 403, "a session of one's own under another account's name"


def test_a_changed_cookie_is_nobodys(one: Browser) -> None:
    name = cookie_name(one, one.account)
    key, expires, mac = one.http.cookies[name].split(".")
    for changed in (f"{key}.{int(expires) + 1}.{mac}", f"{key}.{expires}.{'0' * 64}", "x", ""):
        one.http.cookies.clear()
        assert one.ask("GET", EVENTS, headers={"cookie": f"{name}={changed}"}).status_code == 403


def test_only_the_operator_enters_other_accounts(server: Server, one: Browser) -> None:
    account = one.account
    refused = one.ask("POST", f"{SESSION}/switch", body={"account": "two"})
    assert refused.status_code == 403 and refused.json()["code"] == "AccessDenied"
    assert one.ask("GET", ACCOUNTS).status_code == 403
    with Browser(server.endpoint) as operator:
        operator.log_in(_profile(server, "operator"))
        known = {each["name"]: each["id"] for each in operator.ask("GET", ACCOUNTS).json()["accounts"]}
        assert known["one"] == account
        entered = operator.ask("POST", f"{SESSION}/switch", body={"account": known["two"]})
        assert _names(entered) == ["operator", "two"]
        operator.account = known["two"]
        told = operator.aws("sts", "GetCallerIdentity").json()["result"]
        assert told["Account"] == known["two"]
        assert operator.ask("POST", f"{SESSION}/switch", body={"account": "999999999999"}).status_code == 404


def test_logging_out_ends_one_session_or_all(server: Server, one: Browser) -> None:
    first = one.account
    one.log_in(_profile(server, "two"))
    assert _names(one.ask("DELETE", f"{SESSION}?account={first}")) == ["two"]
    assert _names(one.ask("GET", SESSION)) == ["two"]
    assert _names(one.ask("DELETE", SESSION)) == []
    assert _names(one.ask("GET", SESSION)) == []


def test_a_stream_ends_with_the_session_that_opened_it(server: Server, browser: Browser) -> None:
    server.account("leaving")
    browser.log_in(_profile(server, "leaving"))
    with browser.http.stream("GET", f"/_gwlb/v1/stream?account={browser.account}", timeout=20) as stream:
        pieces = stream.iter_bytes()
        assert next(pieces).startswith(b"retry: ")
        server.gwlb("account", "delete", "leaving")
        deadline = time.monotonic() + 25
        for _ in pieces:  # until the server ends it
            assert time.monotonic() < deadline, "the stream goes on"


def test_a_session_outlives_the_server_and_ends_with_its_account(server: Server, browser: Browser) -> None:
    server.account("brief")
    browser.log_in(_profile(server, "brief"))
    server.kill()
    server.start()
    assert browser.ask("GET", EVENTS).status_code == 200
    server.gwlb("account", "delete", "brief")
    assert browser.ask("GET", EVENTS).status_code == 403
    assert browser.ask("GET", SESSION).json()["accounts"] == []


CHANGING = [("POST", EVENTS), ("POST", f"{SESSION}/switch"), ("DELETE", SESSION), ("POST", "/console/api/aws/ec2/X")]


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize(
    "headers",
    [
        {"x-gwlb-console": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "", "origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "", "origin": "null"},
    ],
    ids=str,
)
def test_another_page_cannot_make_the_browser_change_anything(
    one: Browser, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = one.ask(method, path, body={} if method == "POST" else None, headers=headers)
    assert answer.status_code == 403 and answer.json()["code"] == "AccessDenied"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_of_the_same_machine_cannot_ask_either(one: Browser, site: str) -> None:
    assert one.ask("GET", EVENTS, headers={"sec-fetch-site": site}).status_code == 403
    assert one.ask("GET", EVENTS, headers={"sec-fetch-site": "none"}).status_code == 200


def test_only_json_changes_anything(one: Browser) -> None:
    answer = one.http.post(
        EVENTS,
        content=b"{}",
        headers={"content-type": "text/plain", "x-gwlb-console": "1", "x-gwlb-account": one.account},
    )
    assert answer.status_code == 415


def test_an_older_browser_is_known_by_its_origin(server: Server, one: Browser) -> None:
    headers = {"sec-fetch-site": "", "origin": server.endpoint}
    assert one.ask("POST", EVENTS, body={}, headers=headers).status_code == 200


def test_a_burst_of_logins_is_slowed_down(server: Server, browser: Browser) -> None:
    nobody = {"access_key": "", "token": ""}
    answers = {browser.ask("POST", SESSION, body=nobody | {"x": 1}).status_code for _ in range(80)}
    assert answers == {400, 429}
