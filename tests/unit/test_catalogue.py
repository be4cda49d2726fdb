"""A marketplace catalogue as text: what it may say, and what is said to who wrote it wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from opengwlb.control.images import SHIPPED
from opengwlb.instances.images import RECIPES
from opengwlb.policy.catalogue import image_id, parse

PRODUCT = """
code = "acme-firewall"
name = "acme/firewall"
vendor = "Acme"
version = "4.2"
terms = "Pay."
"""


def read(more: str, *, location: str = "/shop/catalogue.toml", product: str = PRODUCT):
    return parse(f"catalogue = 1\n[[product]]\n{product}\n{more}\n", location=location)


def test_a_product_is_an_image_of_the_marketplace_with_the_same_id_everywhere():
    (image,) = read('source = "docker://registry.example/fw:4.2"\nkind = "oci"')
    assert image.id == image_id(code="acme-firewall", version="4.2") and image.id.startswith("ami-0")
    assert (image.owner_alias, image.product_code, image.licence) == ("aws-marketplace", "acme-firewall", "Pay.")
    assert image.public and image.kind == "oci" and image.catalogue == "/shop/catalogue.toml"


@pytest.mark.parametrize(
    ("source", "location", "found"),
    [
        ("fw.tar", "/shop/catalogue.toml", "/shop/fw.tar"),
        ("/elsewhere/fw.tar", "https://shop.example/c.toml", "/elsewhere/fw.tar"),
        ("fw.tar", "https://shop.example/a/c.toml", "https://shop.example/a/fw.tar"),
        ("https://cdn.example/fw.tar", "/shop/catalogue.toml", "https://cdn.example/fw.tar"),
        ("docker://r.example/fw:1", "https://shop.example/c.toml", "docker://r.example/fw:1"),
    ],
)
def test_a_source_is_relative_to_its_catalogue(source: str, location: str, found: str):
    (image,) = read(f'source = "{source}"\nsha256 = "{"a" * 64}"', location=location)
    assert image.source == found


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "one of `source` and `recipe`"),
        ('source = "x"\nrecipe = "firewall"', "one of `source` and `recipe`"),
        ('recipe = "firewall"', "no recipe 'firewall' here"),
        ('source = "https://x.example/fw.tar"', "needs `sha256`"),
        ('source = "fw.tar"\nsha256 = "abc"', "64 hexadecimal digits"),
        ('source = "fw.tar"\nkind = "exe"', "`kind` must be one of"),
        ('source = "fw.tar"\nprice = 3', "`price` is not known"),
    ],
)
def test_what_is_wrong_is_said_with_the_product(more: str, words: str):
    with pytest.raises(ValueError, match=r"product 1 \(acme-firewall\)") as caught:
        read(more)
    assert words in str(caught.value)


def test_a_catalogue_of_another_format_is_refused():
    with pytest.raises(ValueError, match="catalogue = 1"):
        parse("catalogue = 2", location="/c.toml")
    with pytest.raises(ValueError, match="not TOML"):
        parse("catalogue = ", location="/c.toml")
    with pytest.raises(ValueError, match="twice"):
        one = f'[[product]]\n{PRODUCT}\nsource = "a"\n'
        parse(f"catalogue = 1\n{one}{one}", location="/c.toml")


def test_the_shipped_catalogue_has_a_recipe_for_every_product():
    text = Path(SHIPPED).read_text(encoding="utf-8")
    products = parse(text, location="", recipes=RECIPES)
    assert len(products) == len(tomllib.loads(text)["product"]) == 5
    assert {one.kind for one in products} <= RECIPES
