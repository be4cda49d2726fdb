"""What a person does on the console's pages, in their language: reads, clicks, fills in, chooses."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from . import words


class Visitor:
    def __init__(self, page: Page, *, endpoint: str, language: str) -> None:
        self.page = page
        self.endpoint = endpoint
        self.language = language

    def text(self, key: str, /, **values: object) -> str:
        return words.text(self.language, key, **values)

    # Where

    def open(self, path: str = "") -> None:
        """By its address, as a bookmark opens it."""
        self.page.goto(f"{self.endpoint}/console/{path}")

    def menu(self, entry: str) -> None:
        """An entry of the side menu; the breadcrumbs, which may have the same link, stand behind it."""
        named = self.text(f"shell:pages.{entry}")
        self.page.get_by_role("navigation").get_by_role("link", name=named, exact=True).first.click()
        self.page.wait_for_url(f"**/console/{entry}")

    def link(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()

    def tab(self, key: str) -> None:
        self.page.get_by_role("tab", name=self.text(key), exact=True).click()

    def enter(self, account: str) -> None:
        """Switch to another account that is signed in, in the top bar."""
        self._account_menu()
        self.page.get_by_role("menuitem", name=re.compile(f"^{re.escape(account)}")).click()
        expect(
            self.page.locator("#top-bar").get_by_role("button", name=self.text("shell:account.menu"))
        ).to_contain_text(account)

    def add_account(self, *, access_key: str, secret_key: str) -> None:
        """Sign in to one more account beside those that are signed in."""
        self._account_menu()
        self.page.get_by_role("menuitem", name=self.text("shell:account.add")).click()
        self.sign_in(access_key=access_key, secret_key=secret_key)

    def sign_in(self, *, access_key: str, secret_key: str) -> None:
        self.field("session:accessKey", access_key)
        self.field("session:secretKey", secret_key)
        self.button("session:signIn")

    def leave(self) -> None:
        """Sign out."""
        self._account_menu()
        self.page.get_by_role("menuitem", name=self.text("shell:account.leave")).click()

    def _account_menu(self) -> None:
        self.page.locator("#top-bar").get_by_role("button", name=self.text("shell:account.menu")).click()

    # What

    def button(self, key: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=self.text(key), exact=True).click()

    def click(self, test_id: str) -> None:
        """The first one: an empty list offers its header's button a second time."""
        self.page.get_by_test_id(test_id).first.click()

    def submit(self) -> None:
        self.click("submit")

    def field(self, key: str, value: str) -> None:
        """A field by its label."""
        self.page.get_by_label(self.text(key), exact=True).fill(value)

    def fill(self, test_id: str, value: str) -> None:
        self.page.get_by_test_id(test_id).locator("input, textarea").fill(value)

    def choose(self, test_id: str, option: str) -> None:
        """An option of a Select, by a text in it."""
        field = self.page.get_by_test_id(test_id)
        field.locator("button").first.click()
        self.page.get_by_role("option").filter(has_text=option).first.click()
        expect(field).to_contain_text(option)

    def suggest(self, test_id: str, value: str) -> None:
        """Type into a field that suggests, and take what it offers for that."""
        self.fill(test_id, value)
        self.page.get_by_role("option").filter(has_text=value).last.click()

    def tick(self, row: str) -> None:
        """Choose a row of a table, by a text in it."""
        self.page.get_by_role("row").filter(has_text=row).get_by_role("checkbox").check(force=True)

    def told(self, key: str, /, **values: object) -> None:
        """A message at the top of the page."""
        expect(self.page.get_by_text(self.text(key, **values)).first).to_be_visible()
